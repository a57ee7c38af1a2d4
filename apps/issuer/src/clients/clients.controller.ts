import { Controller, Delete, Get, HttpCode, Inject, Post, Put } from '@nestjs/common';
import { Public, RequireScopes } from '@countersign/auth';
import {
  by,
  CurrentCaller,
  idSchema,
  OpenApi,
  TakesIdempotencyKey,
  Unrecorded,
  ZodBody,
  ZodParam,
  ZodQuery,
  type Caller,
} from '@countersign/service-host';
import { z } from 'zod';
import { type IssuerRoute } from '../idempotency/keyed-events.js';
import { type ClientJson } from '../registry/client-record.js';
import {
  clientSchema,
  clientsFileSchema,
  nameSchema,
  publicJwkSchema,
  type Client,
  type PublicJwk,
} from '../registry/client.js';
import { DeclaredWords } from './audience-words.service.js';
import { clientsFileJsonSchema } from './clients-file.js';
import { ClientDeclarations, type AppliedJson } from './client-declarations.service.js';
import { ClientsService, type ClientPage, type NewSecretJson } from './clients.service.js';

const pageSchema = z.strictObject({
  /** The `next_cursor` of the previous page. */
  cursor: nameSchema.or(z.literal('')).default(''),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
const applySchema = z.strictObject({
  clients: clientsFileSchema.shape.clients,
  audiences: clientsFileSchema.shape.audiences,
  dry_run: z.boolean().default(false),
});

/** The administrator's side of clients: scope `issuer:admin`; every call is an audit event. */
@OpenApi(({ ApiTags }) => ApiTags('clients'))
@Controller('admin/clients')
@RequireScopes('issuer:admin')
export class ClientsController {
  constructor(
    @Inject(ClientsService) private readonly clients: ClientsService,
    @Inject(ClientDeclarations) private readonly declarations: ClientDeclarations,
    @Inject(DeclaredWords) private readonly words: DeclaredWords,
  ) {}

  /** All clients by id, `limit` a page (1 to 200); continue with `next_cursor`. */
  @Get()
  list(
    @ZodQuery(pageSchema) { cursor, limit }: z.infer<typeof pageSchema>,
    @CurrentCaller() caller: Caller,
  ): Promise<ClientPage> {
    return this.clients.list(cursor, limit, caller);
  }

  /** Registers a client. One with `client_secret_basic` is answered its first secret, shown only once. 409 `CLIENT_EXISTS`. */
  @Post()
  @TakesIdempotencyKey({ action: 'client:register', kind: 'client' } satisfies IssuerRoute)
  register(
    @ZodBody(clientSchema) registration: Client,
    @CurrentCaller() caller: Caller,
  ): Promise<ClientJson & { readonly client_secret?: string }> {
    return this.clients.register(registration, caller);
  }

  /**
   * Applies declared clients like the file at startup: registers, changes, and disables what is no longer declared. With `dry_run` it
   * only shows the difference.
   */
  @Post('apply')
  @TakesIdempotencyKey({ action: 'client:declare', kind: 'client' } satisfies IssuerRoute)
  @HttpCode(200)
  async apply(
    @ZodBody(applySchema) { clients, audiences, dry_run: dryRun }: z.infer<typeof applySchema>,
    @CurrentCaller() caller: Caller,
  ): Promise<AppliedJson> {
    await this.words.apply(audiences, dryRun, by(caller));
    return this.declarations.apply(clients, dryRun, caller);
  }

  /** One client; its secrets by id and age only. 404 `CLIENT_UNKNOWN`. */
  @Get(':id')
  read(@ZodParam('id', nameSchema) id: string, @CurrentCaller() caller: Caller): Promise<ClientJson> {
    return this.clients.read(id, caller);
  }

  /** Replaces a client's registration: keys, policy, name. 404 `CLIENT_UNKNOWN`, 422 `CLIENT_ID_DIFFERS`. */
  @Put(':id')
  replace(
    @ZodParam('id', nameSchema) id: string,
    @ZodBody(clientSchema) registration: Client,
    @CurrentCaller() caller: Caller,
  ): Promise<ClientJson> {
    return this.clients.replace(id, registration, caller);
  }

  /** Adds a public key (RFC 7517) to a client with inline keys; the others keep working. 409 `KEYS_NOT_INLINE`. */
  @Post(':id/keys')
  @TakesIdempotencyKey({ action: 'client-key:add', kind: 'client' } satisfies IssuerRoute)
  addKey(
    @ZodParam('id', nameSchema) id: string,
    @ZodBody(publicJwkSchema) key: PublicJwk,
    @CurrentCaller() caller: Caller,
  ): Promise<ClientJson> {
    return this.clients.addKey(id, key, caller);
  }

  /** Removes a public key: assertions signed with it are refused from then on. 404 `KEY_UNKNOWN`, 422 for the last one. */
  @Delete(':id/keys/:kid')
  removeKey(
    @ZodParam('id', nameSchema) id: string,
    @ZodParam('kid', z.string().min(1).max(128)) kid: string,
    @CurrentCaller() caller: Caller,
  ): Promise<ClientJson> {
    return this.clients.removeKey(id, kid, caller);
  }

  /** Creates a secret, shown only once. The newest two work, so that a rotation needs no outage. 409 `CLIENT_HAS_NO_SECRETS`. */
  @Post(':id/secrets')
  @TakesIdempotencyKey({ action: 'client-secret:add', kind: 'client' } satisfies IssuerRoute)
  addSecret(@ZodParam('id', nameSchema) id: string, @CurrentCaller() caller: Caller): Promise<NewSecretJson> {
    return this.clients.addSecret(id, caller);
  }

  /** Removes a secret. 404 `SECRET_UNKNOWN`. */
  @Delete(':id/secrets/:secret')
  removeSecret(
    @ZodParam('id', nameSchema) id: string,
    @ZodParam('secret', idSchema) secret: string,
    @CurrentCaller() caller: Caller,
  ): Promise<ClientJson> {
    return this.clients.removeSecret(id, secret, caller);
  }

  /** Disables a client: from then on it gets no tokens anywhere, and those it holds are revoked. */
  @Post(':id/disable')
  @TakesIdempotencyKey({ action: 'client:disable', kind: 'client' } satisfies IssuerRoute)
  @HttpCode(200)
  disable(@ZodParam('id', nameSchema) id: string, @CurrentCaller() caller: Caller): Promise<ClientJson> {
    return this.clients.disable(id, caller);
  }

  /** Enables a client again. */
  @Post(':id/enable')
  @TakesIdempotencyKey({ action: 'client:enable', kind: 'client' } satisfies IssuerRoute)
  @HttpCode(200)
  enable(@ZodParam('id', nameSchema) id: string, @CurrentCaller() caller: Caller): Promise<ClientJson> {
    return this.clients.enable(id, caller);
  }
}

/** What a declared file looks like. */
@OpenApi(({ ApiTags }) => ApiTags('clients'))
@Public()
@Unrecorded('a public schema, for everybody')
@Controller('schemas')
export class ClientsSchemaController {
  readonly #schema = clientsFileJsonSchema();

  /** The JSON Schema of the declared file of clients. */
  @Get('clients.json')
  read(): object {
    return this.#schema;
  }
}
