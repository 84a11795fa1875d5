# Add the letters of a text to the counts: lines "context<tab>letter<tab>count", contexts of 0 to `order` letters.
# Called as: awk -f count.awk COUNTS text=1 TEXT
BEGIN { FS = OFS = "\t" }
!text { count[$1 FS $2] = $3; next }
{
    line = $0 "~"                                   # the end of a sentence is a letter, too
    for (i = 1; i <= length(line); i++)
        for (k = 0; k <= order && k < i; k++)
            count[substr(line, i - k, k) FS substr(line, i, 1)]++
}
END { for (key in count) print key, count[key] }
