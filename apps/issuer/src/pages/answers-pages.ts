import { applyDecorators, UseFilters, UseGuards } from '@nestjs/common';
import { OwnNavigation } from './own-navigation.guard.js';
import { PageFilter } from './page.filter.js';

/** For controllers whose answers a person reads: only their own navigation is answered, and what goes wrong is a page that says so. */
export function AnswersPages(): ClassDecorator {
  return applyDecorators(UseGuards(OwnNavigation), UseFilters(PageFilter));
}
