import type { AccountBackend } from "../backend/index.ts";
import type { Config } from "../config/index.ts";
import type { Factors } from "../factors/index.ts";
import type { World } from "../kernel/index.ts";
import {
  type Access,
  createAttempts,
  createDevices,
  createFactorStep,
  createFailureFloor,
  createLoginService,
  createPasswordStep,
  type Devices,
  type Identities,
  type LoginService,
} from "../login/index.ts";
import type { Store } from "../store/index.ts";
import type { AuditLog, Logger } from "../telemetry/index.ts";
import { createSurge, createThrottle, type Surge } from "../throttle/index.ts";

/** Milliseconds every failed sign-in takes at least. */
const FAILURE_MINIMUM = 100;

export interface SignInInput {
  readonly config: Config;
  readonly backend: AccountBackend;
  readonly store: Store;
  readonly world: World;
  readonly identities: Identities;
  readonly access: Access;
  readonly factors: Factors;
  readonly audit: AuditLog;
  readonly logger: Logger;
}

export interface SignIn {
  readonly service: LoginService;
  readonly devices: Devices;
  readonly surge: Surge;
}

/** The steps of a sign-in, put together. */
export function composeSignIn(input: SignInInput): SignIn {
  const { config, backend, store, world, identities, factors, audit, logger } = input;
  const { clock, random } = world;
  const { login, mfa, issuer } = config;
  const isSecure = issuer.startsWith("https:");
  const devices = createDevices({ store, clock, random, isSecure, trustFor: mfa.trusted_devices?.lifetime });
  const { surge: limit, ...limits } = login.throttle;
  const surge = createSurge({ store, clock, limit, audit, logger });
  const password = createPasswordStep({
    backend,
    throttle: createThrottle({ store, clock, limits, surge }),
    identities,
    floor: createFailureFloor({ clock, minimum: FAILURE_MINIMUM }),
    audit,
    logger,
    clock,
    showBackendMessage: login.show_backend_message,
  });
  const service = createLoginService({
    attempts: createAttempts({ store, clock }),
    password,
    factor: createFactorStep({ backend, factors, devices, identities, store, clock, logger }),
    devices,
    audit,
    clock,
    levels: mfa.levels,
    freshFor: Math.round(mfa.fresh / 1000),
  });
  return { service, devices, surge };
}
