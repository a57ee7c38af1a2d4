import { type Provider, type Type } from '@nestjs/common';
import { DelegationAdminController } from './delegation-admin.controller.js';
import { DelegationAdmin } from './delegation-admin.service.js';

export const delegationAdminControllers: readonly Type[] = [DelegationAdminController];
export const delegationAdminProviders: readonly Provider[] = [DelegationAdmin];
