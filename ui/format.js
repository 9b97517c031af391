// Numbers, times and IDs as text.

const count = new Intl.NumberFormat("en");
export const number = (value) => count.format(value);
export const plural = (value, one, many = `${one}s`) => `${number(value)} ${value === 1 ? one : many}`;

/** Seconds in the two largest units that say something: 42 s, 12 min, 3 h 5 min, 2 d 4 h. */
export function duration(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  const [big, small, many, few] = s < 86400 ? [3600, 60, "h", "min"] : [86400, 3600, "d", "h"];
  const rest = Math.floor((s % big) / small);
  return `${Math.floor(s / big)} ${many}${rest ? ` ${rest} ${few}` : ""}`;
}

/** 2026-11-30 03:36 UTC, as the log and the API write it. */
export const utc = (time) => `${new Date(time).toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** "3 min ago" or "in 5 min". */
export function relative(time, now) {
  const seconds = (now - Date.parse(time)) / 1000;
  if (Math.abs(seconds) < 1) return "now";
  return seconds > 0 ? `${duration(seconds)} ago` : `in ${duration(-seconds)}`;
}

/** What an ID names: the last segment, or "" without one. */
export const nameOf = (id) => (id ? id.slice(id.lastIndexOf("/") + 1) : "");

/** The parts of a VM's ID. */
export function partsOf(id) {
  const [, , subscription, , group, , , , name] = id.split("/");
  return { subscription, group, name };
}
