import type { CallContext, Unavailable } from "../backend/index.ts";
import type { Factors } from "../factors/index.ts";
import type { LoginState } from "./flow.ts";
import type { SignInRequest } from "./gate.ts";
import { bindingOf, placeOf } from "./service.ts";

/** The WebAuthn options an attempt needs where it stands; `undefined` where it needs none. */
export function ceremonyOf(
  factors: Factors,
  request: SignInRequest,
  state: LoginState,
  context: CallContext,
): Promise<object | Unavailable> | undefined {
  if (state.at === "identify") return factors.assertion(bindingOf(request, ""), undefined);
  if (state.at === "prove" && state.asked === "webauthn")
    return factors.assertion(bindingOf(request, state.account.subject), { owner: state.account, context });
  if (state.at === "enrol" && state.chosen === "webauthn")
    return factors.enrolling.beginKey(placeOf(request, { account: state.account, context }));
  return undefined;
}
