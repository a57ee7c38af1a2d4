import { Readable } from 'node:stream';
import { Controller, Get, Inject, StreamableFile } from '@nestjs/common';
import { RequireAnyScope } from '@countersign/auth';
import { CurrentCaller, OpenApi, ZodQuery, type Caller } from '@countersign/service-host';
import { eventExportSchema, exportFormats, type EventExport } from './event-export.js';
import { ExportService } from './export.service.js';
import { READING } from './visibility.js';

@OpenApi(({ ApiTags }) => ApiTags('events'))
@Controller('events/export')
export class ExportController {
  constructor(@Inject(ExportService) private readonly exports: ExportService) {}

  /**
   * Events, oldest first, as NDJSON or CSV (`format`), streamed; filters as in a search. It is self-contained evidence: `{"start": …}` has the signed
   * checkpoint and where the export starts, each line its log index, source, sequence and leaf hash (RFC 9162) and, if something is omitted,
   * the subtree hashes that represent it, `{"end": …}` those up to the checkpoint. Without `end` it was cut off and continues with `cursor`, the log
   * index of the last line. In CSV start and end are rows that begin with `#`. `checkpoints`: tree sizes that the proof passes through.
   * It ends after a page when the token expires or the service stops, and says where to continue. A reader that reads nothing for 10 seconds is disconnected.
   * 409 `CURSOR_BEYOND_END`, 429 `EXPORTS_BUSY`, 429 `CLIENT_EXPORTS_BUSY`.
   */
  @Get()
  @OpenApi(({ ApiProduces }) => ApiProduces('application/x-ndjson', 'text/csv'))
  @RequireAnyScope(...READING)
  async export(
    @ZodQuery(eventExportSchema) wanted: EventExport,
    @CurrentCaller() caller: Caller,
  ): Promise<StreamableFile> {
    const text = await this.exports.begin(wanted, caller);
    return new StreamableFile(Readable.from(text, { objectMode: false, highWaterMark: 64 * 1024 }), {
      type: exportFormats[wanted.format].mediaType,
      disposition: `attachment; filename="events.${wanted.format}"`,
    });
  }
}
