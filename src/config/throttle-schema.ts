import { z } from "zod";
import { duration, rate } from "./units.ts";

type Rate = z.output<typeof rate>;

const limits = {
  account: rate.prefault("10/15m"),
  address: rate.prefault("100/15m"),
  /** One account from one address. Default: half of the account's, so that one guesser does not use that up. */
  pair: rate.optional(),
  /** What the windows of accounts and pairs grow to while nobody gets in. */
  longest: duration.prefault("24h"),
};

function withPair<Limits extends { readonly account: Rate; readonly pair?: Rate | undefined }>(given: Limits) {
  const { limit, window } = given.account;
  return { ...given, pair: given.pair ?? { limit: Math.ceil(limit / 2), window } };
}

/** Guesses at second factors. */
export const factorThrottle = z.strictObject(limits).transform(withPair).prefault({});

/** Guesses at passwords. */
export const passwordThrottle = z
  .strictObject({
    ...limits,
    /** First failures of an account from an address, over the whole provider, that begin a surge. */
    surge: rate.prefault("500/15m"),
  })
  .transform(withPair)
  .prefault({});
