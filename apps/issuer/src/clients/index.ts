import { type Provider, type Type } from '@nestjs/common';
import { DeclaredWords } from './audience-words.service.js';
import { ClientDeclarations } from './client-declarations.service.js';
import { ClientWrites } from './client-writes.service.js';
import { ClientsController, ClientsSchemaController } from './clients.controller.js';
import { ClientsService } from './clients.service.js';

export const clientControllers: readonly Type[] = [ClientsController, ClientsSchemaController];

/** Registering and declaring clients, for the issuer's module. */
export const clientProviders: readonly Provider[] = [DeclaredWords, ClientsService, ClientDeclarations, ClientWrites];
