import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import { readForm, type Form } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { policyApply, policyChangeEffects, policyChangeList, policyChangeShow, policyUndo } from '../../protocols/api/operations/policy-changes.ts'
import { startOfDay } from '../instants.ts'
import { consolePage } from '../layout.ts'
import { address, mayPerform, perform, queryOf, refusalOf } from '../perform.ts'
import { sendCsv } from '../send-csv.ts'
import { changeAddress, changePage, changesPage, type ApplyValues } from './change-page.ts'

/** Previewing, applying and taking back: one page that follows a change through its life. */
export function policyChangesRouter(service: Service): Router {
  const router = new Router({ prefix: '/console/policy/changes' })
  router.get('/', async ctx => {
    const cursor = queryOf(ctx, 'cursor')
    const { items, next } = await perform(ctx, service, policyChangeList, { limit: 50, ...cursor !== '' && { cursor } })
    const body = changesPage(items, next === null ? null : address('/console/policy/changes', { cursor: next }), service.now())
    consolePage(ctx, { title: 'Changes of policy', current: 'policy', body })
  })
  router.get('/:id', async ctx => await show(ctx, service))
  router.get('/:id/:effect.csv', async ctx => {
    const effect = ctx['params']['effect']
    if (effect !== 'stops' && effect !== 'starts') throw new CaError('not-found', 'there is no list of this name')
    await sendCsv(ctx, service, policyChangeEffects, { id: idIn(ctx), effect, limit: 1 })
  })
  router.post('/:id/apply', async ctx => await apply(ctx, service, await readForm(ctx)))
  router.post('/:id/undo', async ctx => {
    await readForm(ctx)
    try {
      await perform(ctx, service, policyUndo, { id: idIn(ctx) })
    } catch (error) {
      return await show(ctx, service, {}, refusalOf(error, 'conflict'))
    }
    goTo(ctx, 'undone')
  })
  return router
}

const doneTexts: Readonly<Record<string, string>> = { applied: 'The change is in force.', undone: 'The change is taken back.' }

const idIn = (ctx: Context): string => {
  const id: string = ctx['params']['id']
  if (!/^[0-9a-f-]{36}$/i.test(id)) throw new CaError('policy-change-not-found', 'there is no change of policy with this address')
  return id
}

function goTo(ctx: Context, done: string): void {
  ctx.redirect(changeAddress(idIn(ctx), { done }))
  ctx.status = 303
}

const refreshSeconds = 2

async function show(ctx: Context, service: Service, values: ApplyValues = {}, mistake?: string): Promise<void> {
  const id = idIn(ctx)
  const change = await perform(ctx, service, policyChangeShow, { id })
  const [cursor, done, now] = [queryOf(ctx, 'cursor'), queryOf(ctx, 'done'), service.now()]
  const stops = await perform(ctx, service, policyChangeEffects, { id, effect: 'stops', limit: 50, ...cursor !== '' && { cursor } })
  const starts = await perform(ctx, service, policyChangeEffects, { id, effect: 'starts', limit: 50 })
  const moves = mistake === undefined && (change.state === 'counting' || change.state === 'undoing' || change.state === 'applying' && (change.dueAt === null || new Date(change.dueAt) <= now))
  consolePage(ctx, {
    title: change.sentence.slice(0, 120), current: 'policy', ...moves && { refreshSeconds, scripts: ['progress.js'] }, ...mistake !== undefined && { status: 400 },
    body: changePage(ctx, {
      change, stops: stops.items, starts: starts.items, next: stops.next === null ? null : changeAddress(id, { cursor: stops.next }), values, mistake, now, refreshSeconds: moves ? refreshSeconds : undefined,
      mayApply: mayPerform(ctx, policyApply), mayNotify: service.config.smtpUrl !== undefined, doneText: Object.hasOwn(doneTexts, done) && !moves ? doneTexts[done] : undefined,
    }),
  })
}

async function apply(ctx: Context, service: Service, form: Form): Promise<void> {
  const values = { action: form.get('action'), from: form.get('from'), notify: form.get('notify') === 'yes' }
  try {
    const from = values.action === 'leave' ? undefined : startOfDay(values.from)
    await perform(ctx, service, policyApply, { id: idIn(ctx), action: values.action as 'hold', notify: values.notify, ...from !== undefined && { from: from.toISOString() } })
  } catch (error) {
    return await show(ctx, service, values, refusalOf(error, 'conflict'))
  }
  goTo(ctx, 'applied')
}
