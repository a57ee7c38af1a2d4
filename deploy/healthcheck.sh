#!/bin/bash
# Whether /health/ready answers 200, within a shell.
exec 3<>"/dev/tcp/127.0.0.1/$PORT" || exit 1
printf 'GET /health/ready HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3
read -r -t 2 _ status _ <&3 && [ "$status" = 200 ]
