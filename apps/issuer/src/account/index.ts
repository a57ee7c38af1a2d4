import { type Provider, type Type } from '@nestjs/common';
import { AccountController } from './account.controller.js';
import { Account } from './account.service.js';

export const accountControllers: readonly Type[] = [AccountController];
export const accountProviders: readonly Provider[] = [Account];
