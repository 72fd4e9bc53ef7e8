# identity.sh ... GROUP POINT: what a receiver of the point will know it by.
own
is_marked "$1" || refuse not-on-server "recovery point $1 is not in the pool"
identity_of "$1"
