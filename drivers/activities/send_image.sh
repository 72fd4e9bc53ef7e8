# send_image.sh PATH: a file or block device to standard output.
[ -b "$1" ] || [ -f "$1" ] || refuse not-on-server "$1 is not on this server"
exec cat -- "$1"
