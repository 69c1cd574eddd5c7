import { parse } from "bowser";

/** A browser in words people know, such as "Chrome" and "Windows"; `undefined` where it does not say. */
export interface DeviceWords {
  readonly browser: string | undefined;
  readonly os: string | undefined;
}

export function deviceWords(userAgent: string): DeviceWords {
  if (userAgent === "") return { browser: undefined, os: undefined };
  const { browser, os } = parse(userAgent);
  return { browser: browser.name, os: os.name };
}

/** What a key is called that was made in this browser, when the key itself does not tell. */
export function keyName(userAgent: string): string {
  const { os } = deviceWords(userAgent);
  return os === undefined ? "Passkey" : `Passkey (${os})`;
}
