import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import type { Service } from '../../http/service.ts'
import { sessionOf } from '../../http/session.ts'
import { auditList, auditShow } from '../../protocols/api/operations/audit.ts'
import { consolePage } from '../layout.ts'
import { fieldMistakes } from '../field-mistakes.ts'
import { sendCsv } from '../send-csv.ts'
import { listPage, type RecordFilter } from './list-page.ts'
import { showPage } from './show-page.ts'

const current = 'records'
const pageRows = 50

export function recordsRouter(service: Service): Router {
  const router = new Router()
  router.get('/console/records', async ctx => await list(service, ctx))
  router.get('/console/records.csv', async ctx => await exportAll(service, ctx))
  router.get('/console/records/:id', async ctx => {
    const { success, data } = auditShow.input.safeParse(ctx.params)
    if (!success) throw new CaError('not-found', 'there is no record of this number')
    const item = await auditShow.run(service, sessionOf(ctx).actor, data)
    consolePage(ctx, { title: `Record ${item.id}`, current, body: showPage(item, service.now()) })
  })
  return router
}

const names = ['actor', 'action', 'subject', 'from', 'until'] as const

const filterOf = (ctx: Context): RecordFilter =>
  Object.fromEntries(names.map(name => [name, typeof ctx.query[name] === 'string' ? ctx.query[name].trim().slice(0, 400) : ''])) as RecordFilter

const said = (values: Readonly<Record<string, string>>): Record<string, string> => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''))

/** Days, in UTC, from their beginning and to their end. */
function inputOf(filter: RecordFilter, limit: number, sort: string, cursor?: string) {
  const { from, until, ...rest } = said(filter)
  return auditList.input.safeParse({
    ...rest, limit, sort, cursor,
    ...from !== undefined && { from: `${from}T00:00:00.000Z` }, ...until !== undefined && { until: `${until}T23:59:59.999Z` },
  })
}

async function list(service: Service, ctx: Context): Promise<void> {
  const filter = filterOf(ctx)
  const cursor = typeof ctx.query['cursor'] === 'string' ? ctx.query['cursor'] : undefined
  const sort = typeof ctx.query['sort'] === 'string' && ctx.query['sort'] !== '' ? ctx.query['sort'] : '-at'
  const input = inputOf(filter, pageRows, sort, cursor)
  const found = input.success ? await auditList.run(service, sessionOf(ctx).actor, input.data) : undefined
  const mistakes = input.success ? [] : Object.entries(fieldMistakes(input.error)).map(([name, text]) => `${labels[name] ?? name}: ${text}`)
  const next = found?.next == null ? null : `/console/records?${new URLSearchParams({ ...said(filter), sort, cursor: found.next })}`
  const body = listPage({
    items: found?.items ?? [], next, filter, query: new URLSearchParams(said(filter)).toString(),
    mistake: mistakes.length === 0 ? undefined : `Nothing was looked for. ${mistakes.join('; ')}.`, sorting: { path: '/console/records', query: said(filter), sort }, now: service.now(),
  })
  consolePage(ctx, { title: 'Records', current, status: input.success ? 200 : 400, body })
}

const labels: Readonly<Record<string, string>> = { actor: 'Who', action: 'What', subject: 'About', from: 'From', until: 'Until' }

async function exportAll(service: Service, ctx: Context): Promise<void> {
  const { success, data } = inputOf(filterOf(ctx), pageRows, '-at')
  if (!success) throw new CaError('invalid-argument', 'this filter cannot be read')
  await sendCsv(ctx, service, auditList, data)
}
