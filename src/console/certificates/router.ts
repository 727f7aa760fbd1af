import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import { fromPem } from '../../formats/pem.ts'
import { parseCertificate } from '../../formats/x509.ts'
import { readForm } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { certHold, certList, certRelease, certRevoke, certShow } from '../../protocols/api/operations/certificates.ts'
import { html } from '../html.ts'
import { consolePage } from '../layout.ts'
import { address, mayPerform, perform, queryOf, refusalOf } from '../perform.ts'
import { doneText, isVerb, revocationPage, type RevocationForm, type Verb } from '../revocation-page.ts'
import { sendFile } from '../send-file.ts'
import { named } from '../status-words.ts'
import { certificateListPage } from './list-page.ts'
import { certificatePage } from './certificate-page.ts'

export function certificatesRouter(service: Service): Router {
  const router = new Router({ prefix: '/console/certificates' })
  router.get('/', async ctx => await list(ctx, service))
  router.get('/:certificate', async ctx => await show(ctx, service))
  router.get('/:certificate/certificate.pem', async ctx => {
    const { pem, serialNumber } = await certificateOf(ctx, service)
    if (pem === null) throw new CaError('certificate-not-found', 'this certificate is still being made')
    sendFile(ctx, `${serialNumber}.pem`, 'application/x-pem-file', pem)
  })
  router.get('/:certificate/:verb', async ctx => await form(ctx, service, verbOf(ctx)))
  router.post('/:certificate/:verb', async ctx => await change(ctx, service))
  return router
}

async function list(ctx: Context, service: Service): Promise<void> {
  const [query, person] = [queryOf(ctx, 'q').slice(0, 200), queryOf(ctx, 'person').slice(0, 254)]
  const sort = query !== '' ? '' : queryOf(ctx, 'sort')
  let found: Awaited<ReturnType<typeof certList.run>> = { items: [], next: null, lookedBackTo: null }
  let unknownPerson = false
  try {
    const cursor = queryOf(ctx, 'cursor')
    found = await perform(ctx, service, certList, { limit: 50, ...query !== '' ? { search: query } : person !== '' && { person }, ...sort !== '' && { sort: sort as 'person' }, ...cursor !== '' && { cursor } })
  } catch (error) {
    // An address of nobody is an answer, not a mistake.
    if (person === '' || !(error instanceof CaError) || !['person-not-found', 'invalid-argument'].includes(error.code)) throw error
    unknownPerson = true
  }
  const next = found.next === null ? null : address('/console/certificates', { q: query, person, sort, cursor: found.next })
  const sorting = { path: '/console/certificates', query: { person }, sort: sort || '-created' }
  const modelName = (productType: string): string | null => service.catalogue().models.get(productType)?.name ?? null
  consolePage(ctx, { title: 'Certificates', current: 'certificates', body: certificateListPage({ ...found, query, person, next, unknownPerson, modelName, sorting, now: service.now() }) })
}

const isName = (text: string): boolean => /^(?:[0-9a-f]{32}|[0-9a-f]{64})$/i.test(text.replaceAll(':', ''))

const certificateOf = async (ctx: Context, service: Service): Promise<Awaited<ReturnType<typeof certShow.run>>> => {
  const certificate: string = ctx['params']['certificate']
  if (!isName(certificate)) throw new CaError('certificate-not-found', 'there is no certificate with this address')
  return await perform(ctx, service, certShow, { certificate })
}

async function show(ctx: Context, service: Service): Promise<void> {
  const view = await certificateOf(ctx, service)
  const modelName = view.productType === null ? null : service.catalogue().models.get(view.productType)?.name ?? null
  consolePage(ctx, {
    title: `Certificate ${view.serialNumber.slice(0, 8)}`, current: 'certificates',
    body: certificatePage({
      view, modelName, parsed: view.pem === null ? undefined : parseCertificate(fromPem(view.pem, 'CERTIFICATE')[0]!), mayRevoke: mayPerform(ctx, certRevoke),
      doneText: doneText(queryOf(ctx, 'done')), now: service.now(),
    }),
  })
}

function verbOf(ctx: Context): Verb {
  const verb: string = ctx['params']['verb']
  if (!isVerb(verb)) throw new CaError('not-found', 'there is no page at this address')
  return verb
}

const operations = { revoke: certRevoke, hold: certHold, release: certRelease } as const

async function form(ctx: Context, service: Service, verb: Verb, values: RevocationForm['values'] = {}, mistake?: string): Promise<void> {
  if (!mayPerform(ctx, operations[verb])) throw new CaError('forbidden', `this needs the role ${operations[verb].role}`)
  const view = await certificateOf(ctx, service)
  const path = `/console/certificates/${view.serialNumber}`
  const others = view.deviceId === null ? [] : (await perform(ctx, service, certList, { device: view.deviceId, limit: 100 })).items
    .filter(({ serialNumber, status }) => serialNumber !== view.serialNumber && status === 'good')
  const heading = { revoke: 'Revoke', hold: 'Hold', release: 'Release' }[verb]
  consolePage(ctx, {
    title: `${heading} a certificate`, current: 'certificates', ...mistake !== undefined && { status: 400 },
    body: revocationPage(ctx, {
      verb, values, mistake, action: `${path}/${verb}`, back: { path, text: `Certificate ${view.serialNumber.slice(0, 8)}…` }, scopes: [],
      heading: html`${heading} the certificate of ${named(view.personName ?? 'nobody')}`,
      reach: html`This reaches 1 certificate of 1 person. ${verb === 'release' ? 'The phone can come in again.' : others.length === 0 ? 'The phone holds no other, so it opens nothing afterwards.' : `The phone holds ${others.length} more, which stay good.`}`,
    }),
  })
}

async function change(ctx: Context, service: Service): Promise<void> {
  const verb = verbOf(ctx)
  const sent = await readForm(ctx)
  const { serialNumber } = await certificateOf(ctx, service)
  const cause = sent.raw('cause')
  try {
    const outcome = verb === 'revoke' ? await perform(ctx, service, certRevoke, { certificate: serialNumber, cause, reason: sent.get('reason') as 'unspecified' })
      : await perform(ctx, service, operations[verb], { certificate: serialNumber, cause })
    ctx.redirect(`/console/certificates/${serialNumber}?done=${outcome.changed.length === 0 ? 'nothing' : verb}`)
    ctx.status = 303
  } catch (error) {
    await form(ctx, service, verb, { reason: sent.get('reason'), cause }, refusalOf(error, 'certificate-not-held', 'certificate-already-revoked'))
  }
}
