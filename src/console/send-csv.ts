import { Readable } from 'node:stream'
import type { Context } from 'koa'
import { assertRole } from '../http/actor.ts'
import type { Service } from '../http/service.ts'
import { sessionOf } from '../http/session.ts'
import { csvOf, type CsvList } from '../protocols/api/csv.ts'
import type { Operation } from '../protocols/api/operation.ts'

/** A whole list as a file, row by row as they are read, however many there are. */
export async function sendCsv<Input>(ctx: Context, service: Service, list: CsvList<Input> & Pick<Operation, 'role'>, input: Input): Promise<void> {
  const { actor } = sessionOf(ctx)
  assertRole(actor, list.role)
  const lines = await csvOf(list, service, actor, input)
  ctx.set('content-type', 'text/csv; charset=utf-8')
  ctx.set('content-disposition', `attachment; filename="${list.csv?.fileName ?? 'list.csv'}"`)
  ctx.set('cache-control', 'no-store')
  ctx.set('x-content-type-options', 'nosniff')
  ctx.body = Readable.from(lines)
}
