import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import { readForm, seeOther, type Form } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { deviceExplain, deviceShow, type DeviceDetail } from '../../protocols/api/operations/devices.ts'
import { exempt, exemptionEnd } from '../../protocols/api/operations/exemptions.ts'
import { policyStore } from '../../store/policy.ts'
import { html } from '../html.ts'
import { endOfDay } from '../instants.ts'
import { consolePage } from '../layout.ts'
import { address, mayPerform, perform, queryOf, refusalOf } from '../perform.ts'
import { named } from '../status-words.ts'
import { confirmPage } from './confirm-page.ts'
import { exemptionForm, type ExemptionValues } from './exemption-form.ts'
import { previewedOrDone } from './preview.ts'

/** Decisions about one phone, made and ended. */
export function exemptionsRouter(service: Service): Router {
  const router = new Router({ prefix: '/console/policy/exemptions' })
  router.get('/new', async ctx => await ask(ctx, service, await phone(ctx, service, queryOf(ctx, 'phone')), {}))
  router.post('/new', async ctx => await make(ctx, service, await readForm(ctx)))
  router.get('/:id/end', async ctx => await confirmEnd(ctx, service))
  router.post('/:id/end', async ctx => {
    await readForm(ctx)
    seeOther(ctx, await previewedOrDone(ctx, service, { kind: 'end-exemption', exemption: idIn(ctx) }, change => address('/console/policy', { done: 'ended', change })))
  })
  return router
}

const idIn = (ctx: Context): string => ctx['params']['id']

async function phone(ctx: Context, service: Service, id: string): Promise<DeviceDetail> {
  if (!mayPerform(ctx, exempt)) throw new CaError('forbidden', `this needs the role ${exempt.role}`)
  if (!/^[0-9a-f-]{36}$/i.test(id)) throw new CaError('device-not-found', 'there is no phone with this address')
  return await perform(ctx, service, deviceShow, { id })
}

async function ask(ctx: Context, service: Service, device: DeviceDetail, values: ExemptionValues, mistake?: string): Promise<void> {
  if (device.enrollment === null) throw new CaError('enrollment-not-found', 'this phone came by no invitation, so there is none to decide under')
  consolePage(ctx, {
    title: 'Decide about one phone', current: 'policy', ...mistake !== undefined && { status: 400 },
    body: exemptionForm(ctx, { device, decision: await perform(ctx, service, deviceExplain, { id: device.id }), values, mistake }),
  })
}

/** Whether it reaches a certificate is counted first; where it does not, it counts at once. */
async function make(ctx: Context, service: Service, form: Form): Promise<void> {
  const device = await phone(ctx, service, form.get('phone'))
  const values = { verdict: form.get('verdict'), evidence: form.get('evidence'), until: form.get('until'), reason: form.get('reason'), text: form.raw('text').trim() }
  let page: string
  try {
    const until = endOfDay(values.until)
    if (until === undefined) throw new CaError('invalid-argument', 'an exemption needs a last day')
    page = await previewedOrDone(ctx, service, {
      kind: 'exempt', device: device.id, invitation: device.enrollment?.invitationId ?? '', verdict: values.verdict as 'allow', evidence: values.evidence as 'signed', until: until.toISOString(),
      reason: values.reason, ...values.text !== '' && { textForPerson: values.text },
    }, change => address('/console/policy', { done: 'exempted', change }))
  } catch (error) {
    return await ask(ctx, service, device, values, refusalOf(error))
  }
  seeOther(ctx, page)
}

async function confirmEnd(ctx: Context, service: Service): Promise<void> {
  if (!mayPerform(ctx, exemptionEnd)) throw new CaError('forbidden', `this needs the role ${exemptionEnd.role}`)
  const exemption = /^[0-9a-f-]{36}$/i.test(idIn(ctx)) ? await policyStore(service.db).exemption(idIn(ctx), service.now()) : undefined
  if (exemption === undefined) throw new CaError('exemption-not-found', 'there is no exemption in force with this id')
  const device = await perform(ctx, service, deviceShow, { id: exemption.deviceId })
  consolePage(ctx, {
    title: 'End an exemption', current: 'policy',
    body: confirmPage(ctx, {
      heading: `End the exemption of ${device.personName}’s ${device.modelName ?? 'phone'}`, action: `/console/policy/exemptions/${exemption.id}/end`, button: 'End it', stop: true, back: { path: '/console/policy', text: 'Keep it' },
      consequences: [
        exemption.verdict === 'allow' ? 'The rules count for it again. If they do not let it in and it holds a certificate, you choose next what becomes of that; otherwise it ends at once.' : 'The rules count for it again, and may let it in.',
        html`It was made by ${named(exemption.author)}: ${named(exemption.reason)}`,
      ],
    }),
  })
}
