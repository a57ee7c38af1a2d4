import { type Provider, type Type } from '@nestjs/common';
import { RevocationPreviewController } from './revocation-preview.controller.js';
import { KEEPS_RECORDS, RevocationPreviews } from './revocation-preview.service.js';

export const revocationPreviewControllers: readonly Type[] = [RevocationPreviewController];

/** @param keptHours OUTBOX_KEEP_HOURS */
export function revocationPreviewProviders(keptHours: number): readonly Provider[] {
  return [{ provide: KEEPS_RECORDS, useValue: keptHours > 0 }, RevocationPreviews];
}
