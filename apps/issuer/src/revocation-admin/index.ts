import { type Provider, type Type } from '@nestjs/common';
import { AdminRevocationsController } from './admin-revocations.controller.js';
import { AdminRevocationsService } from './admin-revocations.service.js';
import { RevokedGrants } from './revoked-grants.service.js';

export const revocationAdminControllers: readonly Type[] = [AdminRevocationsController];
export const revocationAdminProviders: readonly Provider[] = [RevokedGrants, AdminRevocationsService];
