import { applyDecorators, UseFilters, UseGuards } from '@nestjs/common';
import { OwnNavigation } from './own-navigation.guard.js';
import { PageFilter } from './page.filter.js';

/** For controllers whose responses people read: only top-level navigation is answered, and errors become pages. */
export function AnswersPages(): ClassDecorator {
  return applyDecorators(UseGuards(OwnNavigation), UseFilters(PageFilter));
}
