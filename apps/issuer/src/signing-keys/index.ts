import { type Provider, type Type } from '@nestjs/common';
import { type Algorithm } from '@countersign/auth-core';
import { TOKEN_LIFETIME_LIMIT } from '../registry/client.js';
import { JWKS_LIFETIME, JwksController } from './jwks.controller.js';
import { KeyRotation, ROTATION_SETTINGS, type RotationSettings } from './key-rotation.service.js';
import { RevocationKeyRotation } from './revocation-key-rotation.service.js';
import { RevocationKeysController } from './revocation-keys.controller.js';
import { RevocationKeysService } from './revocation-keys.service.js';
import { SigningKeysController } from './signing-keys.controller.js';
import { SigningKeysService } from './signing-keys.service.js';

/** Seconds beyond a lifetime, for clocks and caches that are not exact. */
const MARGIN_SECONDS = 30;

export interface SigningKeyOptions {
  /** Seconds between two rotations. */
  readonly rotation: number;
  /** Seconds that a validator may keep the published keys. */
  readonly jwks: number;
  readonly algorithm: Algorithm;
}

function rotationSettings({ rotation, jwks, algorithm }: SigningKeyOptions): RotationSettings {
  const margin = Math.min(MARGIN_SECONDS, jwks);
  return {
    times: { rotation, publication: jwks + margin, retirement: TOKEN_LIFETIME_LIMIT + MARGIN_SECONDS },
    algorithm,
    checkEveryMs: Math.min(rotation * 250, 10_000),
  };
}

export const signingKeyControllers: readonly Type[] = [JwksController, SigningKeysController, RevocationKeysController];

/** Publishing and rotating the keys that sign, for the issuer's module. */
export function signingKeyProviders(options: SigningKeyOptions): readonly Provider[] {
  return [
    { provide: JWKS_LIFETIME, useValue: options.jwks },
    { provide: ROTATION_SETTINGS, useValue: rotationSettings(options) },
    KeyRotation,
    SigningKeysService,
    RevocationKeyRotation,
    RevocationKeysService,
  ];
}
