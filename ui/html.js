// Preact and htm, as the other modules use them.
import { h } from "./vendor/preact.mjs";
import htm from "./vendor/htm.mjs";

export { Fragment, render } from "./vendor/preact.mjs";
export { useEffect, useErrorBoundary, useId, useMemo, useRef, useState } from "./vendor/hooks.mjs";
export const html = htm.bind(h);
