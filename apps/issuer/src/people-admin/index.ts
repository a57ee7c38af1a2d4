import { type Provider, type Type } from '@nestjs/common';
import { PeopleAdminController } from './people-admin.controller.js';
import { PeopleAdmin } from './people-admin.service.js';

export const peopleAdminControllers: readonly Type[] = [PeopleAdminController];
export const peopleAdminProviders: readonly Provider[] = [PeopleAdmin];
