/** sRGB, each part 0 to 255. */
export type Rgb = readonly [number, number, number];

/** OKLCH: lightness 0 to 1, chroma, hue in radians. Equal steps of lightness look equal, which mixing with black does not. */
export interface Oklch {
  readonly lightness: number;
  readonly chroma: number;
  readonly hue: number;
}

/** Reads `#rrggbb`. */
export function parseHex(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

export function formatHex(colour: Rgb): string {
  return `#${colour.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/** WCAG 2.2 contrast ratio, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [first, second] = [luminance(a), luminance(b)];
  return (Math.max(first, second) + 0.05) / (Math.min(first, second) + 0.05);
}

function luminance([red, green, blue]: Rgb): number {
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

function linear(part: number): number {
  const share = part / 255;
  return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}

function gamma(share: number): number {
  return 255 * (share <= 0.003_130_8 ? share * 12.92 : 1.055 * share ** (1 / 2.4) - 0.055);
}

export function toOklch(colour: Rgb): Oklch {
  const [r, g, b] = [linear(colour[0]), linear(colour[1]), linear(colour[2])];
  const l = Math.cbrt(0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b);
  const m = Math.cbrt(0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b);
  const s = Math.cbrt(0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b);
  const first = 1.977_998_495_1 * l - 2.428_592_205 * m + 0.450_593_709_9 * s;
  const second = 0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766 * s;
  return {
    lightness: 0.210_454_255_3 * l + 0.793_617_785 * m - 0.004_072_046_8 * s,
    chroma: Math.hypot(first, second),
    hue: Math.atan2(second, first),
  };
}

/** The nearest colour a screen can show: lightness and hue are kept, chroma gives way. */
export function fromOklch({ lightness, chroma, hue }: Oklch): Rgb {
  const light = Math.min(1, Math.max(0, lightness));
  for (let share = 1; share > 0; share -= 0.05) {
    const parts = parts255(light, chroma * share * Math.cos(hue), chroma * share * Math.sin(hue));
    if (parts.every((part) => part > -0.5 && part < 255.5)) return clamp(parts);
  }
  return clamp(parts255(light, 0, 0));
}

function parts255(lightness: number, first: number, second: number): Rgb {
  const l = (lightness + 0.396_337_777_4 * first + 0.215_803_757_3 * second) ** 3;
  const m = (lightness - 0.105_561_345_8 * first - 0.063_854_172_8 * second) ** 3;
  const s = (lightness - 0.089_484_177_5 * first - 1.291_485_548 * second) ** 3;
  return [
    gamma(4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s),
    gamma(-1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s),
    gamma(-0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701 * s),
  ];
}

function clamp([red, green, blue]: Rgb): Rgb {
  return [wholePart(red), wholePart(green), wholePart(blue)];
}

function wholePart(part: number): number {
  return Math.min(255, Math.max(0, Math.round(part)));
}
