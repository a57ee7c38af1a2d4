import { type Provider } from '@nestjs/common';
import { DelegationUses } from './delegation-uses.service.js';
import { DelegationUsesStore } from './delegation-uses.store.js';
import { Delegations } from './delegations.service.js';
import { DelegationsStore } from './delegations.store.js';

/** The providers of delegations, for the issuer's module. */
export const delegationProviders: Provider[] = [DelegationsStore, Delegations, DelegationUsesStore, DelegationUses];
