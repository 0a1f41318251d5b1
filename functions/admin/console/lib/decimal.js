/** Exact sums of decimal texts, as the API has them: no floating point near money. */

function parts(text) {
  const [whole, fraction = ""] = text.split(".");
  return [BigInt(whole + fraction), fraction.length];
}

/** Return the sum of decimal texts, with the digits of the longest. @param {string[]} texts */
export function sum(texts) {
  const read = texts.map(parts);
  const digits = Math.max(0, ...read.map(([, count]) => count));
  const total = read.reduce((so_far, [value, count]) => so_far + value * 10n ** BigInt(digits - count), 0n);
  return written(total, digits);
}

/** Return `first` less `second`. @param {string} first @param {string} second */
export function difference(first, second) {
  return sum([first, second.startsWith("-") ? second.slice(1) : `-${second}`]);
}

export function isZero(text) {
  return /^-?[0.]*$/.test(text);
}

function written(value, digits) {
  const sign = value < 0n ? "-" : "";
  const text = (value < 0n ? -value : value).toString().padStart(digits + 1, "0");
  return digits ? `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}` : sign + text;
}
