import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import { findInvitation } from '../../enrollment/begin.ts'
import { decideDevice } from '../../enrollment/decide-device.ts'
import type { EnrollmentDeps } from '../../enrollment/deps.ts'
import type { InvitationRecord } from '../../enrollment/records.ts'
import { isEnrollmentId } from '../../enrollment/secrets.ts'
import type { Service } from '../../http/service.ts'
import { personPageReads, type PersonPageReads } from '../../store/person-pages.ts'
import { assetRouter } from '../assets.ts'
import { browserWords } from './browser-words.ts'
import { enrollmentPage } from './enrollment-page.ts'
import { followedState } from './enrollment-section.ts'
import { invitationPage, type EndingKey } from './invitation-page.ts'
import { languageOf } from './language.ts'
import { readerOf, sendPersonPage, sendState, unknownInvitation, type FollowedState, type Reader } from './page.ts'
import { isEnding, situationOf, type EnrollmentView, type Situation } from './progress.ts'

type PersonDeps = { deps: EnrollmentDeps, pages: PersonPageReads, renewalDays: number, verified: boolean }
type Seen = { view: EnrollmentView, updatedAt: Date }

const hourMs = 3_600_000

/** The pages of phone owners: an invitation behind its link, where one enrollment stands, and both states for the script. */
export function personRouter({ config, db }: Pick<Service, 'config' | 'db'>, deps: EnrollmentDeps): Router {
  const all: PersonDeps = { deps, pages: personPageReads(db), renewalDays: config.renewalDays, verified: config.profileSigner !== undefined }
  const router = new Router()
  router.use(assetRouter().routes())

  router.get('/i/e/:enrollment', async ctx => {
    const reader = reading(ctx)
    const view = await viewOf(all, ctx.params['enrollment'] ?? '')
    if (view === undefined) sendPersonPage(ctx, reader.language, unknownInvitation(reader), 404)
    else sendPersonPage(ctx, reader.language, enrollmentPage(reader, view, all.renewalDays, deps.now()))
  })
  router.get('/i/e/:enrollment/state', async ctx => {
    const reader = reading(ctx)
    const view = await viewOf(all, ctx.params['enrollment'] ?? '')
    if (view === undefined) throw new CaError('enrollment-not-found', 'there is no such enrollment')
    sendState(ctx, reader.language, stateOf(reader, view, 1, deps.now()))
  })
  router.get('/i/:token', async ctx => await sendInvitation(ctx, all))
  router.get('/i/:token/state', async ctx => {
    const reader = reading(ctx)
    const seen = await newestOf(all, await findInvitation(deps.store, ctx.params['token'] ?? ''))
    sendState(ctx, reader.language, seen === undefined ? nothingYet : stateOf(reader, seen.view, 2, deps.now()))
  })
  return router
}

const nothingYet: FollowedState = { version: '', begun: false, say: '', html: '', steps: true, again: false, wait: null }

const reading = (ctx: Context): Reader => readerOf(languageOf(ctx.get('accept-language')))

function stateOf(reader: Reader, view: EnrollmentView, heading: 1 | 2, now: Date): FollowedState {
  const { content, ...state } = followedState(reader, { view, address: '', heading }, now)
  return { ...state, begun: now.getTime() - view.enrollment.createdAt.getTime() < hourMs, html: content.text }
}

async function sendInvitation(ctx: Context, all: PersonDeps): Promise<void> {
  const { deps: { store, now: clock }, verified } = all
  const reader = reading(ctx)
  const token = (ctx.params as Record<string, string>)['token'] ?? ''
  const invitation = await found(findInvitation(store, token))
  if (invitation === undefined) return sendPersonPage(ctx, reader.language, unknownInvitation(reader), 404)
  const now = clock()
  const seen = await newestOf(all, invitation)
  const shown = seen !== undefined && isWorthShowing(situationOf(seen.view, now), seen.updatedAt, now)
  sendPersonPage(ctx, reader.language, invitationPage(reader, {
    invitation, token, verified, browser: browserWords(ctx.get('user-agent')), endingKeys: await endingKeys(all, invitation, now),
    followed: shown ? { view: seen.view, address: `/i/${token}/state`, heading: 2 } : undefined,
  }, now))
}

/** What an invitation's page says of the last attempt: what still counts always, what went wrong for a day, what goes on for an hour. */
function isWorthShowing({ kind }: Situation, updatedAt: Date, now: Date): boolean {
  const age = now.getTime() - updatedAt.getTime()
  switch (kind) {
    case 'too-late': return false
    case 'waiting':
    case 'making':
    case 'almost': return age < hourMs
    case 'refused':
    case 'failed': return age < 24 * hourMs
    default: return true
  }
}

async function found(invitation: Promise<InvitationRecord>): Promise<InvitationRecord | undefined> {
  try {
    return await invitation
  } catch (error) {
    if (error instanceof CaError && error.code === 'invitation-not-found') return undefined
    throw error
  }
}

async function newestOf(all: PersonDeps, invitation: InvitationRecord): Promise<Seen | undefined> {
  const newest = await all.pages.newestEnrollment(invitation.id)
  const view = newest === undefined ? undefined : await viewOf(all, newest.id)
  return view === undefined ? undefined : { view, updatedAt: newest!.updatedAt }
}

async function endingKeys({ deps, pages, renewalDays }: PersonDeps, { person }: InvitationRecord, now: Date): Promise<EndingKey[]> {
  const keys = await pages.keysOfPerson(person.id, now)
  return keys.filter(key => isEnding(key, renewalDays, now))
    .map(({ productType, notAfter }) => ({ model: deps.catalogue().models.get(productType)?.name ?? productType, notAfter }))
}

async function viewOf({ deps, pages }: PersonDeps, id: string): Promise<EnrollmentView | undefined> {
  const enrollment = isEnrollmentId(id) ? await deps.store.enrollment(id) : undefined
  if (enrollment === undefined) return undefined
  const invitation = (await deps.store.invitation(enrollment.invitationId))!
  const device = enrollment.deviceId === null ? undefined : await deps.store.device(enrollment.deviceId)
  const waits = device !== undefined && (['allowed', 'profiled', 'quarantined'].includes(enrollment.state) || device.lockedOut !== null || invitation.person.held)
  return {
    enrollment, invitation, device,
    modelName: device === undefined ? undefined : deps.catalogue().models.get(device.productType)?.name,
    decisionNow: waits ? await decideDevice(deps, deps.store, device, invitation, deps.now()) : undefined,
    key: enrollment.state === 'issued' ? await pages.keyOfEnrollment(id) : undefined,
  }
}
