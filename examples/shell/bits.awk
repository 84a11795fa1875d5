# Bits per letter of a text under the counts. A context that was seen seldom leans on the shorter one within it:
#     p(letter | context) = (count + s * p(letter | shorter context)) / (total + s),   s = smoothing * letters known
# Called as: awk -f bits.awk COUNTS text=1 TEXT
BEGIN { FS = "\t" }
!text {
    count[$1 FS $2] = $3
    total[$1] += $3
    if ($1 == "") letters++
    next
}
function probability(context, letter,    weight, shorter) {
    weight = smoothing * letters
    shorter = context == "" ? 1 / 96 : probability(substr(context, 2), letter)
    return (count[context FS letter] + weight * shorter) / (total[context] + weight)
}
# Some builds of awk know no log(): halve or double into 1/2..1, then the series of the inverse hyperbolic tangent.
function log2(x,    whole, y, power, sum, k) {
    while (x < 0.5) { x *= 2; whole-- }
    y = (x - 1) / (x + 1)
    power = y
    for (k = 1; k < 16; k += 2) { sum += power / k; power *= y * y }
    return whole + 2 * sum / 0.69314718056
}
{
    line = $0 "~"
    for (i = 1; i <= length(line); i++) {
        k = i - 1 < order ? i - 1 : order
        sum -= log2(probability(substr(line, i - k, k), substr(line, i, 1)))
    }
    seen += length(line)
}
END { printf "%.4f\n", sum / seen }
