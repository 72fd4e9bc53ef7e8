"""What runs on the server, under its python3 and its rtslib-fb: sent as text by exports.sh, never installed there."""
