#!/bin/sh
# Stage 1: clean the text; every tenth sentence goes to the test text, the others into nine parts.
set -eu
out=$TUNER_OUTPUT_DIR

clean() {
    if [ "$TUNER_PARAM_LETTERS" = lower ]; then tr 'A-Z' 'a-z'; else cat; fi
}

clean < text.txt | tr -s '\n ' ' ' | sed 's/\([.?!]\) /\1\n/g' | awk -v out="$out" '
    NR % 10 == 0 { print > (out "/test.txt"); next }
    { print > (out "/part" (1 + NR % 9) ".txt") }'
wc -c "$out"/*.txt
