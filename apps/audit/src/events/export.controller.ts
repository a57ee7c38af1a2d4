import { Readable } from 'node:stream';
import { Controller, Get, Inject, StreamableFile } from '@nestjs/common';
import { ApiProduces, ApiTags } from '@nestjs/swagger';
import { CurrentPrincipal, RequireAnyScope } from '@countersign/auth';
import { type Principal } from '@countersign/auth-core';
import { Trace, ZodQuery, type RequestTrace } from '@countersign/service-host';
import { eventExportSchema, exportFormats, type EventExport } from './event-export.js';
import { ExportService } from './export.service.js';
import { READ_ALL, READ_OWN } from './visibility.js';

@ApiTags('events')
@Controller('events/export')
export class ExportController {
  constructor(@Inject(ExportService) private readonly exports: ExportService) {}

  /**
   * Events, oldest first, as NDJSON or CSV (`format`), streamed; filters as in a search. Each line carries log index, source, sequence and the
   * size of the checkpoint that covers it. An NDJSON export ends with `{"end": …}`, which has the signed checkpoint; without that line it was cut
   * off and goes on by `cursor`, the log index of the last line. 429 `EXPORTS_BUSY`.
   */
  @Get()
  @ApiProduces('application/x-ndjson', 'text/csv')
  @RequireAnyScope(READ_ALL, READ_OWN)
  async export(
    @ZodQuery(eventExportSchema) wanted: EventExport,
    @CurrentPrincipal() caller: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<StreamableFile> {
    const text = await this.exports.begin(wanted, { caller, trace });
    return new StreamableFile(Readable.from(text, { objectMode: false, highWaterMark: 64 * 1024 }), {
      type: exportFormats[wanted.format].mediaType,
      disposition: `attachment; filename="events.${wanted.format}"`,
    });
  }
}
