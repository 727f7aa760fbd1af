import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import { assertRole } from '../../http/actor.ts'
import { readForm, seeOther } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { requireRole, sessionOf } from '../../http/session.ts'
import { importInventory, inventoryList, inventoryRemove, inventoryRequire, inventoryShow } from '../../protocols/api/operations/inventory.ts'
import { consolePage } from '../layout.ts'
import { address, mayPerform, perform, queryOf, refusalOf } from '../perform.ts'
import { importPage, inventoryPage, previewPage, removePage, requirePage, type Upload } from './pages.ts'

const path = '/console/inventory'
const current = 'phones'
const scripts = ['invitations.js']
/** Some ten thousand devices; more are for the command. */
const maxFormBytes = 4 * 1024 * 1024
const doneTexts: Readonly<Record<string, string>> = { imported: 'The list is in force.', demanded: 'It counts from the next decision on.', removed: 'They are taken out.' }

export function inventoryRouter(service: Service): Router {
  const router = new Router({ prefix: path })
  router.get('/', async ctx => await list(ctx, service))
  router.get('/import', requireRole('admin'), ctx => { form(ctx, { file: '', mode: 'replace' }) })
  router.post('/import', async ctx => await bring(ctx, service))
  router.get('/require', requireRole('admin'), async ctx => {
    consolePage(ctx, { title: 'Demand the inventory', current, body: requirePage(ctx, await perform(ctx, service, inventoryShow, {})) })
  })
  router.post('/require', async ctx => {
    const sent = await readForm(ctx)
    await perform(ctx, service, inventoryRequire, { required: sent.get('required') === 'yes' })
    seeOther(ctx, `${path}?done=demanded`)
  })
  router.get('/remove', requireRole('admin'), async ctx => await removal(ctx, service, queryOf(ctx, 'number')))
  router.post('/remove', async ctx => await remove(ctx, service))
  return router
}

async function list(ctx: Context, service: Service): Promise<void> {
  const [query, cursor, told] = [queryOf(ctx, 'q'), queryOf(ctx, 'cursor'), queryOf(ctx, 'done')]
  const input = inventoryList.input.safeParse({ limit: 25, ...query !== '' && { search: query }, ...cursor !== '' && { cursor } })
  const { items, next } = input.success ? await inventoryList.run(service, sessionOf(ctx).actor, input.data).catch(noPage) : nothing
  const body = inventoryPage({
    standing: await perform(ctx, service, inventoryShow, {}), items, next: next === null ? null : address(path, { q: query, cursor: next }), query, mayChange: mayPerform(ctx, importInventory),
    doneText: Object.hasOwn(doneTexts, told) ? doneTexts[told] : undefined, now: service.now(),
  })
  consolePage(ctx, { title: 'Inventory', current, body })
}

const nothing = { items: [], next: null }

/** A cursor of somebody's own making leads to no page. */
function noPage(error: unknown): typeof nothing {
  if (error instanceof CaError && error.code === 'invalid-argument') return nothing
  throw error
}

function form(ctx: Context, upload: Upload, mistake?: string): void {
  consolePage(ctx, { title: 'Import a list', current, scripts, body: importPage(ctx, { upload, mistake }), ...mistake !== undefined && { status: 400 } })
}

async function bring(ctx: Context, service: Service): Promise<void> {
  assertRole(sessionOf(ctx).actor, importInventory.role)
  const sent = await readForm(ctx, maxFormBytes)
  const upload: Upload = { file: sent.raw('file'), mode: sent.get('mode') === 'merge' ? 'merge' : 'replace' }
  if (upload.file.trim() === '') return form(ctx, upload, 'There is nothing in the list yet.')
  try {
    const preview = await perform(ctx, service, importInventory, { file: upload.file, mode: upload.mode as 'replace', apply: sent.get('apply') === 'yes' })
    if (preview.applied) return seeOther(ctx, `${path}?done=imported`)
    consolePage(ctx, { title: 'What the list means', current, body: previewPage(ctx, { upload, preview }) })
  } catch (error) {
    form(ctx, upload, refusalOf(error, 'malformed-inventory', 'malformed-csv', 'body-too-large', 'rate-limited'))
  }
}

async function removal(ctx: Context, service: Service, numbers: string, mistake?: string): Promise<void> {
  const standing = await perform(ctx, service, inventoryShow, {})
  consolePage(ctx, { title: 'Take devices out', current, body: removePage(ctx, { standing, numbers: numbers.slice(0, 100_000), mistake }), ...mistake !== undefined && { status: 400 } })
}

async function remove(ctx: Context, service: Service): Promise<void> {
  assertRole(sessionOf(ctx).actor, inventoryRemove.role)
  const sent = await readForm(ctx)
  const numbers = sent.raw('numbers').split(/[\s,;]+/).filter(number => number !== '')
  if (sent.get('all') !== 'yes' && numbers.length === 0) return await removal(ctx, service, '', 'Name a device, or take all of them out.')
  try {
    const { removed } = await perform(ctx, service, inventoryRemove, sent.get('all') === 'yes' ? { all: true } : { numbers })
    if (removed === 0) return await removal(ctx, service, sent.raw('numbers'), 'None of these is in the inventory.')
    seeOther(ctx, `${path}?done=removed`)
  } catch (error) {
    await removal(ctx, service, sent.raw('numbers'), refusalOf(error))
  }
}
