export {
  AMOUNT_LIMIT,
  currencySchema,
  moneySchema,
  moneyToJson,
  type Currency,
  type Money,
  type MoneyJson,
} from './money.js';
