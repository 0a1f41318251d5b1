/** Templates: `html` turns a tagged template into Preact's elements. Texts in it are never parsed as HTML. */

import htm from "../vendor/htm.js";
import { h } from "../vendor/preact.js";

export const html = htm.bind(h);
export { render } from "../vendor/preact.js";
export { useCallback, useEffect, useErrorBoundary, useId, useMemo, useRef, useState } from "../vendor/hooks.js";
