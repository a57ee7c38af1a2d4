import { Controller, Get, Header, Inject, Param, Res } from '@nestjs/common';
import { Public, RequireScopes } from '@countersign/auth';
import { parseTilePath, type TileAddress } from '@countersign/merkle-log';
import {
  CurrentCaller,
  OpenApi,
  Problem,
  Refusals,
  Unrecorded,
  ZodQuery,
  type Caller,
} from '@countersign/service-host';
import { type FastifyReply } from 'fastify';
import {
  consistencyQuerySchema,
  inclusionQuerySchema,
  type ConsistencyProof,
  type ConsistencyQuery,
  type InclusionProof,
  type InclusionQuery,
  type LogKey,
} from './log-answers.js';
import { LogService } from './log.service.js';

const TEXT = 'text/plain; charset=utf-8';
const YEAR = 31_536_000;

const pathInvalid = (): Problem =>
  new Problem(404, 'TILE_PATH_INVALID', 'A tile path must have the form <L>/<N>[.p/<W>] of C2SP tlog-tiles.');
const addressOf = (path: string): TileAddress | undefined => parseTilePath(`tile/${path}`);

/** The log in public formats (C2SP tlog-tiles): third-party verifiers can check it. Origin and prefix: `/log`. */
@OpenApi(({ ApiTags }) => ApiTags('log'))
@Controller('log')
export class LogController {
  constructor(
    @Inject(LogService) private readonly log: LogService,
    @Inject(Refusals) private readonly refusals: Refusals,
  ) {}

  /** The newest checkpoint: a signed note (C2SP tlog-checkpoint). 503 `LOG_STARTING` in the first second of a new log. */
  @Get('checkpoint')
  @Public()
  @Unrecorded('public: it shows nothing of any event')
  @OpenApi(({ ApiProduces }) => ApiProduces('text/plain'))
  @Header('content-type', TEXT)
  @Header('cache-control', 'public, max-age=1')
  async checkpoint(): Promise<string> {
    return (await this.log.checkpoint()).note;
  }

  /**
   * The log's verifier keys in the syntax of C2SP signed-note, one per line, newest first: those that sign, and those whose signatures older
   * checkpoints have. The part before the first plus is the origin.
   */
  @Get('key')
  @Public()
  @Unrecorded('public: it shows nothing of any event')
  @OpenApi(({ ApiProduces }) => ApiProduces('text/plain'))
  @Header('content-type', TEXT)
  @Header('cache-control', 'public, max-age=300')
  async key(): Promise<string> {
    const keys = await this.log.verifierKeys();
    return keys.map(({ verifier_key: key }) => `${key}\n`).join('');
  }

  /** The same keys, with the range of tree sizes that each has signed. */
  @Get('keys')
  @Public()
  @Unrecorded('public: it shows nothing of any event')
  @Header('cache-control', 'public, max-age=300')
  async keys(): Promise<{ readonly keys: readonly LogKey[] }> {
    return { keys: await this.log.verifierKeys() };
  }

  /** A bundle of up to 256 events, each after its length as 16 bits. 410 `ENTRIES_SEALED` for what retention has moved to files. */
  @Get('tile/entries/*')
  @RequireScopes('audit:read')
  @OpenApi(({ ApiParam }) => ApiParam({ name: 'path', example: 'x001/234.p/17' }))
  @OpenApi(({ ApiOkResponse }) => ApiOkResponse({ content: { 'application/octet-stream': {} } }))
  async entries(@Param('*') path: string, @CurrentCaller() caller: Caller, @Res() reply: FastifyReply): Promise<void> {
    const address = addressOf(`entries/${path}`);
    if (address === undefined) {
      await this.refusals.recordOf('TILE_PATH_INVALID', caller.trace, caller.principal);
      throw pathInvalid();
    }
    const bundle = await this.log.entries(address, caller);
    await reply
      .header('content-type', 'application/octet-stream')
      .header('cache-control', `private, max-age=${String(YEAR)}, immutable`)
      .send(bundle);
  }

  /** A tile of hashes: 32 bytes each, 256 in a whole one. It never changes, so it may be cached forever. */
  @Get('tile/*')
  @Public()
  @Unrecorded('public: it shows nothing of any event')
  @OpenApi(({ ApiParam }) => ApiParam({ name: 'path', example: '0/x001/234.p/17' }))
  @OpenApi(({ ApiOkResponse }) => ApiOkResponse({ content: { 'application/octet-stream': {} } }))
  async tile(@Param('*') path: string, @Res() reply: FastifyReply): Promise<void> {
    const address = addressOf(path);
    if (address === undefined) throw pathInvalid();
    const { level, index, width } = address;
    if (level === 'entries')
      throw new Problem(404, 'TILE_PATH_INVALID', 'Entries are served by their own route, GET /log/tile/entries/<N>.');
    const hashes = await this.log.tile({ level, index, width });
    await reply
      .header('content-type', 'application/octet-stream')
      .header('cache-control', `public, max-age=${String(YEAR)}, immutable`)
      .send(hashes);
  }

  /** Proves that an event is in the log (RFC 9162, section 2.1.3). 404 `NOT_IN_THE_LOG`. */
  @Get('proof/inclusion')
  @RequireScopes('audit:read')
  inclusion(
    @ZodQuery(inclusionQuerySchema) { index, event, size }: InclusionQuery,
    @CurrentCaller() caller: Caller,
  ): Promise<InclusionProof> {
    if ((index === undefined) === (event === undefined)) {
      throw new Problem(400, 'REQUEST_INVALID', 'Name the leaf by `index` or by `event`.');
    }
    const wanted = {
      ...(index === undefined ? {} : { index }),
      ...(event === undefined ? {} : { event }),
      ...(size === undefined ? {} : { size }),
    };
    return this.log.inclusion(wanted, caller);
  }

  /** Proves that the log only grew from one size to another (RFC 9162, section 2.1.4). 404 `NOT_IN_THE_LOG`. */
  @Get('proof/consistency')
  @RequireScopes('audit:read')
  consistency(
    @ZodQuery(consistencyQuerySchema) { from, to }: ConsistencyQuery,
    @CurrentCaller() caller: Caller,
  ): Promise<ConsistencyProof> {
    return this.log.consistency(from, to, caller);
  }
}
