import { z } from "zod";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const UNIT_BYTES: Readonly<Record<string, number>> = { KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/** Ten years: times beyond it are mistakes, and sums of them would leave the range of dates. */
const LONGEST = 3_650 * 86_400_000;

/** "90s", "15m", "12h", "30d" as milliseconds. Never zero: nothing here works with no time at all. */
export const duration = z.string().transform((text, context) => {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(text);
  const unit = UNIT_MS[match?.[2] ?? ""];
  const span = unit === undefined ? 0 : Number(match?.[1]) * unit;
  if (span > 0 && span <= LONGEST) return span;
  context.addIssue({
    code: "custom",
    message: 'must be a duration such as "90s", "15m", "12h" or "30d", at most ten years',
  });
  return z.NEVER;
});

/** "64MB" as bytes. */
export const size = z.string().transform((text, context) => {
  const match = /^(\d+)(KB|MB|GB)$/.exec(text);
  const bytes = Number(match?.[1]) * (UNIT_BYTES[match?.[2] ?? ""] ?? 0);
  if (bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  context.addIssue({ code: "custom", message: 'must be a size such as "64MB"' });
  return z.NEVER;
});

/** "10/15m": at most 10 within 15 minutes. */
export const rate = z.string().transform((text, context) => {
  const [count = "", span = ""] = text.split("/", 2);
  const window = duration.safeParse(span);
  if (/^[1-9]\d*$/.test(count) && window.success) return { limit: Number(count), window: window.data };
  context.addIssue({ code: "custom", message: 'must be a rate such as "10/15m" (attempts per time)' });
  return z.NEVER;
});
