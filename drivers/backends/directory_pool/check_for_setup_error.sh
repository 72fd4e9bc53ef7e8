# check_for_setup_error.sh: facts for drivers/backends/directory_pool/findings.py; nothing is changed.
if [ -w . ]; then echo 'writable yes'; else echo 'writable no'; fi
found=''
[ ! -r .cgctl/owner ] || read -r found <.cgctl/owner || :
printf 'kind %s\nowner %s\n' "$(stat -f -c %T .)" "$found"
stat -f -c 'room %S %b %a' .
list_files
