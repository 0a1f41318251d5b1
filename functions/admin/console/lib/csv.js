/** Tables as CSV (RFC 4180), safe to open in a spreadsheet. */

const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^-?\d+(\.\d+)?$/;

/** Return a cell; a text that a spreadsheet would take for a formula is made one by an apostrophe. @param {unknown} value */
export function cell(value) {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csv(heads, rows) {
  return [heads, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

const MARK = "csv-mark";

/** Return whether files begin with a byte order mark, which Excel needs: the choice is remembered in this browser. */
export function hasMark() {
  try {
    return localStorage.getItem(MARK) !== "no";
  } catch {
    return true; // there is no storage
  }
}

/** Remember whether files begin with a byte order mark. @param {boolean} isOn */
export function chooseMark(isOn) {
  try {
    localStorage.setItem(MARK, isOn ? "yes" : "no");
  } catch {}
  dispatchEvent(new Event(MARK));
}

/** Have the browser save a text. @param {string} name @param {string} text */
export function save(name, text) {
  const blob = new Blob([hasMark() ? "\ufeff" : "", text], { type: "text/csv;charset=utf-8" });
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(blob);
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
}
