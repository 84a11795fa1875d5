#!/bin/sh
# Stage 3: what the model takes to ship: counts below `least` are dropped, the rest is compressed.
set -eu
awk -F '\t' -v least="$TUNER_PARAM_LEAST" 'length($1) == 0 || $3 >= least' "$TUNER_STAGE_TRAIN_DIR/counts" |
    sort > "$TUNER_OUTPUT_DIR/model"
bits=$(awk -v order="$TUNER_PARAM_ORDER" -v smoothing="$TUNER_PARAM_SMOOTHING" -f bits.awk \
    "$TUNER_OUTPUT_DIR/model" text=1 "$TUNER_STAGE_SPLIT_DIR/test.txt")
gzip -c "$TUNER_OUTPUT_DIR/model" > "$TUNER_OUTPUT_DIR/model.gz"
rm "$TUNER_OUTPUT_DIR/model"
kilobytes=$(wc -c < "$TUNER_OUTPUT_DIR/model.gz" | awk '{ print $1 / 1000 }')
echo "{\"packed_bits\": $bits, \"kilobytes\": $kilobytes}" >> "$TUNER_REPORTS"
