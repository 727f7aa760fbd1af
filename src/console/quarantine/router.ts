import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import { readForm, type Form } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { deviceApprove, deviceRefuse } from '../../protocols/api/operations/device-settle.ts'
import { deviceExplain, deviceList, deviceShow, type DeviceDetail, type DeviceView } from '../../protocols/api/operations/devices.ts'
import { deviceStore } from '../../store/devices.ts'
import { endOfDay } from '../instants.ts'
import { consolePage } from '../layout.ts'
import { address, mayPerform, perform, queryOf, refusalOf } from '../perform.ts'
import { decidePage, holdsKey, isHeld, type DecidePage } from './decide-page.ts'
import { queuePage } from './queue-page.ts'

export function quarantineRouter(service: Service): Router {
  const router = new Router({ prefix: '/console/quarantine' })
  router.get('/', async ctx => {
    const [cursor, sort] = [queryOf(ctx, 'cursor'), queryOf(ctx, 'sort') || '-waiting']
    const { items, next } = await perform(ctx, service, deviceList, { quarantined: 'true', limit: 50, sort: sort as 'waiting', ...cursor !== '' && { cursor } })
    const sorting = { path: '/console/quarantine', query: {}, sort }
    const body = queuePage({ items, next: next === null ? null : address('/console/quarantine', { sort, cursor: next }), sorting, now: service.now() })
    consolePage(ctx, { title: 'Quarantine', current: 'quarantine', body })
  })
  router.get('/:id', async ctx => {
    const device = await deviceOf(ctx, service)
    if (device === undefined) throw new CaError('device-not-found', 'there is no phone with this address')
    // What was decided meanwhile has its page there.
    if (!waits(device)) ctx.redirect(`/console/phones/${device.id}`)
    else await show(ctx, service, device)
  })
  router.post('/:id/approve', async ctx => await approve(ctx, service, await readForm(ctx)))
  router.post('/:id/refuse', async ctx => await refuse(ctx, service, await readForm(ctx)))
  return router
}

const waits = ({ enrollment }: Pick<DeviceView, 'enrollment'>): boolean => enrollment?.state === 'quarantined' && enrollment.decision?.verdict === 'quarantine'

async function deviceOf(ctx: Context, service: Service): Promise<DeviceDetail | undefined> {
  const id: string = ctx['params']['id']
  return /^[0-9a-f-]{36}$/i.test(id) ? await perform(ctx, service, deviceShow, { id }) : undefined
}

/** How many are looked at when all of one model are decided about at once. */
const mostAlike = 500

const alikeOf = async (service: Service, device: DeviceDetail): Promise<string[]> => await deviceStore(service.db).waitingOfModel(device.productType, mostAlike)

async function show(ctx: Context, service: Service, device: DeviceDetail, values: DecidePage['values'] = {}, mistakes: DecidePage['mistakes'] = {}): Promise<void> {
  consolePage(ctx, {
    title: 'Let it in?', current: 'quarantine', ...Object.keys(mistakes).length > 0 && { status: 400 },
    body: decidePage(ctx, {
      device, values, mistakes, alike: (await alikeOf(service, device)).length, mayDecide: mayPerform(ctx, deviceApprove), now: service.now(),
      decision: await perform(ctx, service, deviceExplain, { id: device.id }),
    }),
  })
}

async function approve(ctx: Context, service: Service, form: Form): Promise<void> {
  if (!mayPerform(ctx, deviceApprove)) throw new CaError('forbidden', `this needs the role ${deviceApprove.role}`)
  const values = { scope: form.get('scope'), reason: form.get('reason'), until: form.get('until') }
  const device = await deviceOf(ctx, service)
  if (device === undefined) throw new CaError('device-not-found', 'there is no phone with this address')
  try {
    const until = endOfDay(values.until)
    const order = { reason: values.reason, ...until !== undefined && { until: until.toISOString() } }
    await perform(ctx, service, deviceApprove, { id: device.id, ...order })
    if (values.scope === 'model') await approveOthers(ctx, service, await alikeOf(service, device), order)
  } catch (error) {
    return await again(ctx, service, device, values, { approve: refusalOf(error, 'enrollment-state', 'forbidden') })
  }
  ctx.redirect(`/console/phones/${device.id}?done=${isHeld(device) ? 'released' : holdsKey(device) ? 'goes-on' : 'approved'}`)
  ctx.status = 303
}

/** Who was decided about meanwhile by somebody else stays as that person decided. */
async function approveOthers(ctx: Context, service: Service, others: readonly string[], order: { reason: string, until?: string }): Promise<void> {
  for (const id of others) {
    try {
      await perform(ctx, service, deviceApprove, { id, ...order })
    } catch (error) {
      if (!(error instanceof CaError) || !['enrollment-state', 'forbidden'].includes(error.code)) throw error
    }
  }
}

async function refuse(ctx: Context, service: Service, form: Form): Promise<void> {
  const values = { refusal: form.get('refusal'), text: form.raw('text').trim() }
  const device = await deviceOf(ctx, service)
  if (device === undefined) throw new CaError('device-not-found', 'there is no phone with this address')
  try {
    await perform(ctx, service, deviceRefuse, { id: device.id, reason: values.refusal, ...values.text !== '' && { textForPerson: values.text } })
  } catch (error) {
    return await again(ctx, service, device, values, { refuse: refusalOf(error, 'enrollment-state') })
  }
  ctx.redirect(`/console/phones/${device.id}?done=${isHeld(device) || holdsKey(device) ? 'out' : 'refused'}`)
  ctx.status = 303
}

/** Somebody else may have been faster: then what they decided is shown, not a form. */
async function again(ctx: Context, service: Service, device: DeviceDetail, values: DecidePage['values'], mistakes: DecidePage['mistakes']): Promise<void> {
  if (waits(device)) await show(ctx, service, device, values, mistakes)
  else {
    ctx.redirect(`/console/phones/${device.id}?done=nothing`)
    ctx.status = 303
  }
}
