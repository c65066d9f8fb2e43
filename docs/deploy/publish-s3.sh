#!/bin/sh
# Publish a log's folder in an S3-compatible store: publish-s3.sh LOG-FOLDER s3://BUCKET[/PREFIX] [aws options, such as
# --endpoint-url https://…]. Run it after every append, on one machine only.
# 把日志目录发布到兼容 S3 的对象存储。每次登记之后运行，只在一台机器上运行。
set -eu
log=${1:?the folder of a log} to=${2:?s3://bucket/prefix}
shift 2

# What is signed is copied first and uploaded last: whatever the log writes meanwhile, nobody is shown a checkpoint
# whose tiles are not there yet. For the same reason the list of cosigned sizes is copied before the files it names.
signed=$(mktemp -d)
trap 'rm -rf "$signed"' EXIT
mkdir "$signed/cosigned" "$signed/list"
[ ! -f "$log/cosigned/index" ] || cp "$log/cosigned/index" "$signed/list/index"
[ ! -d "$log/cosigned" ] || cp -Rp "$log/cosigned/." "$signed/cosigned"
rm -f "$signed/cosigned/index"
cp "$log/checkpoint" "$signed/checkpoint"
[ ! -f "$log/frozen" ] || cp "$log/frozen" "$signed/frozen"

binary() { # FROM TO CACHE-CONTROL [aws options]: a folder whose files never change
    [ -d "$1" ] || return 0
    from=$1 at=$2 age=$3
    shift 3
    aws s3 sync "$from" "$at" --size-only --exclude '*.tmp' \
        --content-type application/octet-stream --cache-control "$age" "$@"
}
text() { # cp|sync FROM TO [aws options]
    [ -e "$2" ] || return 0
    aws s3 "$@" --content-type 'text/plain; charset=utf-8' --cache-control 'public, max-age=5'
}

binary "$log/artifact" "$to/artifact" 'public, max-age=3600' "$@"
binary "$log/tile" "$to/tile" 'public, max-age=31536000, immutable' "$@"
text sync "$signed/cosigned" "$to/cosigned" --exclude '*.tmp' "$@"
text cp "$signed/list/index" "$to/cosigned/index" "$@"
text cp "$signed/checkpoint" "$to/checkpoint" "$@"
text cp "$signed/frozen" "$to/frozen" "$@"
