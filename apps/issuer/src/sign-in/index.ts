import { type Provider, type Type } from '@nestjs/common';
import { SIGN_INS_PER_MINUTE, SignInLimit } from '../limits/sign-in-limit.service.js';
import { PROVIDERS, Providers } from '../providers/providers.service.js';
import { readProvidersFile } from '../providers/providers-file.js';
import { SignInController } from './sign-in.controller.js';
import { SignIn } from './sign-in.service.js';
import { SignInsStore } from './sign-ins.store.js';

export interface SignInSettings {
  /** The declared providers; none without it. */
  readonly providersFile: string | undefined;
  readonly allowPlainHttp: boolean;
  readonly perMinute: number;
}

export const signInControllers: readonly Type[] = [SignInController];

/** Signing in at outside providers. */
export function signInProviders({ providersFile, allowPlainHttp, perMinute }: SignInSettings): readonly Provider[] {
  return [
    {
      provide: PROVIDERS,
      useFactory: () => (providersFile === undefined ? [] : readProvidersFile(providersFile, allowPlainHttp)),
    },
    Providers,
    { provide: SIGN_INS_PER_MINUTE, useValue: perMinute },
    SignInLimit,
    SignInsStore,
    SignIn,
  ];
}
