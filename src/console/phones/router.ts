import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import { readForm } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { mayActAs } from '../../http/session.ts'
import { certHold, certList, certRelease, certRevoke } from '../../protocols/api/operations/certificates.ts'
import { deviceAcceptClaims } from '../../protocols/api/operations/device-activesync.ts'
import { deviceStory, evidenceShow } from '../../protocols/api/operations/device-story.ts'
import { deviceList, deviceShow, type DeviceDetail } from '../../protocols/api/operations/devices.ts'
import { exempt } from '../../protocols/api/operations/exemptions.ts'
import { html } from '../html.ts'
import { consolePage } from '../layout.ts'
import { address, mayPerform, perform, queryOf, refusalOf } from '../perform.ts'
import { doneText, isVerb, revocationPage, type RevocationForm, type Verb } from '../revocation-page.ts'
import { sendFile } from '../send-file.ts'
import { named } from '../status-words.ts'
import { phoneListPage } from './list-page.ts'
import { phonePage } from './phone-page.ts'

export function phonesRouter(service: Service): Router {
  const router = new Router({ prefix: '/console/phones' })
  router.get('/', async ctx => await list(ctx, service))
  router.get('/:id', async ctx => await show(ctx, service, ctx.params['id']!))
  router.get('/:id/evidence/:evidence', async ctx => {
    const found = await perform(ctx, service, evidenceShow, { id: ctx.params['id']!, evidence: ctx.params['evidence']! })
    sendFile(ctx, `evidence-${found.id}.p7m`, 'application/pkcs7-mime', Buffer.from(found.raw, 'base64'))
  })
  router.get('/:id/:verb', async ctx => await form(ctx, service, await deviceOf(ctx, service), verbOf(ctx)))
  router.post('/:id/accept-claims', async ctx => await accept(ctx, service))
  router.post('/:id/:verb', async ctx => await change(ctx, service))
  return router
}

async function list(ctx: Context, service: Service): Promise<void> {
  const [query, person] = [queryOf(ctx, 'q').slice(0, 200), queryOf(ctx, 'person').slice(0, 254)]
  const sort = query !== '' ? '' : queryOf(ctx, 'sort')
  let found: Awaited<ReturnType<typeof deviceList.run>> = { items: [], next: null, lookedBackTo: null }
  let unknownPerson = false
  try {
    const cursor = queryOf(ctx, 'cursor')
    found = await perform(ctx, service, deviceList, { limit: 50, ...query !== '' ? { search: query } : person !== '' && { person }, ...sort !== '' && { sort: sort as 'person' }, ...cursor !== '' && { cursor } })
  } catch (error) {
    // An address of nobody is an answer, not a mistake.
    if (person === '' || !(error instanceof CaError) || !['person-not-found', 'invalid-argument'].includes(error.code)) throw error
    unknownPerson = true
  }
  const next = found.next === null ? null : address('/console/phones', { q: query, person, sort, cursor: found.next })
  const sorting = { path: '/console/phones', query: { person }, sort: sort || '-created' }
  consolePage(ctx, { title: 'Phones', current: 'phones', body: phoneListPage({ ...found, query, person, next, unknownPerson, sorting, now: service.now() }) })
}

const deviceOf = async (ctx: Context, service: Service): Promise<DeviceDetail> => {
  const id: string = ctx['params']['id']
  if (!/^[0-9a-f-]{36}$/i.test(id)) throw new CaError('device-not-found', 'there is no phone with this address')
  return await perform(ctx, service, deviceShow, { id })
}

async function show(ctx: Context, service: Service, id: string, mistake?: string): Promise<void> {
  const device = await deviceOf(ctx, service)
  const { items: story } = await perform(ctx, service, deviceStory, { id })
  const { enrollment } = device
  const waits = enrollment?.state === 'quarantined' && enrollment.decision?.verdict === 'quarantine'
  consolePage(ctx, {
    title: `${device.modelName ?? 'Phone'} of ${device.personName.slice(0, 100)}`, current: 'phones', ...mistake !== undefined && { status: 400 },
    body: phonePage(ctx, { device, mistake, mayAccept: mayPerform(ctx, deviceAcceptClaims), story, waits, mayRevoke: mayPerform(ctx, certRevoke), mayExempt: mayPerform(ctx, exempt), mayLetIn: mayActAs(ctx, 'admin'), doneText: doneText(queryOf(ctx, 'done')), now: service.now() }),
  })
}

function verbOf(ctx: Context): Verb {
  const verb: string = ctx['params']['verb']
  if (!isVerb(verb)) throw new CaError('not-found', 'there is no page at this address')
  return verb
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`

const operations = { revoke: certRevoke, hold: certHold, release: certRelease } as const

async function form(ctx: Context, service: Service, device: DeviceDetail, verb: Verb, values: RevocationForm['values'] = {}, mistake?: string): Promise<void> {
  if (!mayPerform(ctx, operations[verb])) throw new CaError('forbidden', `this needs the role ${operations[verb].role}`)
  const reaches = ({ status }: { status: string }): boolean => verb === 'release' ? status === 'held' : status === 'good' || verb === 'revoke' && status === 'held'
  const all = await perform(ctx, service, certList, { person: device.personEmail, limit: 500 })
  const [own, everything] = [device.certificates.filter(reaches).length, all.items.filter(reaches).length]
  const phones = new Set(all.items.filter(reaches).map(certificate => certificate.deviceId)).size
  const heading = { revoke: 'Revoke', hold: 'Hold', release: 'Release' }[verb]
  consolePage(ctx, {
    title: `${heading} a phone`, current: 'phones', ...mistake !== undefined && { status: 400 },
    body: revocationPage(ctx, {
      verb, values, mistake, action: `/console/phones/${device.id}/${verb}`, back: { path: `/console/phones/${device.id}`, text: `${device.modelName ?? 'The phone'} of ${device.personName}` },
      heading: html`${heading} the ${device.modelName ?? 'phone'} of ${named(device.personName)}`,
      reach: html`This reaches ${count(own, 'certificate')} of 1 phone${everything > own && html`, or ${count(everything, 'certificate')} of ${count(phones, 'phone')} if you choose everything of ${named(device.personName)}`}.`,
      scopes: everything === own && verb !== 'revoke' ? [] : [
        { value: 'device', text: 'This phone', hint: count(own, 'certificate') },
        { value: 'person', text: 'Everything of this person', hint: `${count(everything, 'certificate')}${verb === 'revoke' ? ', and all invitations that are open' : ''}` },
      ],
    }),
  })
}

async function change(ctx: Context, service: Service): Promise<void> {
  const verb = verbOf(ctx)
  const sent = await readForm(ctx)
  const device = await deviceOf(ctx, service)
  const target = sent.get('scope') === 'person' ? { person: device.personEmail } : { device: device.id }
  const cause = sent.raw('cause')
  try {
    const outcome = verb === 'revoke' ? await perform(ctx, service, certRevoke, { ...target, cause, reason: sent.get('reason') as 'unspecified' })
      : await perform(ctx, service, operations[verb], { ...target, cause })
    ctx.redirect(`/console/phones/${device.id}?done=${outcome.changed.length + outcome.lockedOut.length + outcome.letInAgain.length === 0 ? 'nothing' : verb}`)
    ctx.status = 303
  } catch (error) {
    await form(ctx, service, device, verb, { scope: sent.get('scope'), reason: sent.get('reason'), cause }, refusalOf(error))
  }
}

async function accept(ctx: Context, service: Service): Promise<void> {
  const sent = await readForm(ctx)
  const device = await deviceOf(ctx, service)
  try {
    const { accepted } = await perform(ctx, service, deviceAcceptClaims, { id: device.id, reason: sent.raw('reason').trim() })
    ctx.redirect(`/console/phones/${device.id}?done=${accepted === 0 ? 'nothing' : 'claims-accepted'}`)
    ctx.status = 303
  } catch (error) {
    await show(ctx, service, device.id, refusalOf(error, 'enrollment-state'))
  }
}
