#!/bin/sh
# Stage 2: count which letter follows which letters, one part of the text after the other; report how many bits the
# test text takes per letter. The counts are the checkpoint.
set -eu
data=$TUNER_STAGE_SPLIT_DIR
saved=$TUNER_CHECKPOINT_DIR

touch "$saved/counts"
done=0
if [ -f "$saved/done" ]; then read -r done < "$saved/done"; fi

while [ "$done" -lt "${TUNER_FIDELITY%.*}" ]; do
    done=$((done + 1))
    awk -v order="$TUNER_PARAM_ORDER" -f count.awk "$saved/counts" text=1 "$data/part$done.txt" > "$saved/new"
    mv "$saved/new" "$saved/counts"
    echo "$done" > "$saved/done"
    bits=$(awk -v order="$TUNER_PARAM_ORDER" -v smoothing="$TUNER_PARAM_SMOOTHING" -f bits.awk \
        "$saved/counts" text=1 "$data/test.txt")
    echo "part $done: $bits bits per letter"
    echo "{\"part\": $done, \"bits\": $bits}" >> "$TUNER_REPORTS"
done

cp "$saved/counts" "$TUNER_OUTPUT_DIR/counts"
