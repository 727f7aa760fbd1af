/**
 * From the setup link to signing out, in a real browser, with 10,000 certificates: once with a pointer, where every page
 * is read by axe, and once by keyboard alone, where only the first address is opened.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Page } from 'playwright-core'
import { appleDeviceAnchor, testDeviceAnchor } from '../../src/devices/device-identity.ts'
import { advancePolicyChanges } from '../../src/http/advance-policy-changes.ts'
import { createSetupLink } from '../../src/http/setup-link.ts'
import { enrollPhone, type EnrollOptions, type EnrollOutcome } from '../../src/phone/enroll.ts'
import type { Refusal } from '../../src/phone/outcome.ts'
import { authenticator, iPhone, openStory, type Story } from '../support/browser.ts'
import { seedFleet } from '../support/fleet.ts'
import { keyboard, pointer, type Hand } from '../support/hand.ts'
import { keptDeviceCa, phoneKeys } from '../support/kept.ts'

/** @property met  what is done on every page of the way */
type Way = { t: ExecutionContext, story: Story, hand: Hand, deviceCaDir: string, met(heading: string | RegExp): Promise<void> }

async function openWay(t: ExecutionContext, handOf: (page: Page) => Hand, axe: boolean): Promise<Way | undefined> {
  const deviceCaDir = await keptDeviceCa(t)
  const testDeviceCa = join(deviceCaDir, 'ca.pem')
  const story = await openStory(t, { config: { testDeviceCa }, anchors: [appleDeviceAnchor(), testDeviceAnchor(readFileSync(testDeviceCa, 'utf8'))] })
  if (story === undefined) return undefined
  story.page.setDefaultTimeout(110_000)
  return {
    t, story, hand: handOf(story.page), deviceCaDir,
    async met(name) {
      await story.page.getByRole('heading', { name, ...typeof name === 'string' && { exact: true } }).first().waitFor()
      if (axe) await story.axe()
    },
  }
}

const phone = async ({ story, deviceCaDir }: Way, link: string, options: Partial<EnrollOptions> = {}): Promise<EnrollOutcome> =>
  await enrollPhone({ link, product: 'iPhone14,5', build: '20A362', serial: 'F2LSTORYTEST', deviceCaDir, now: story.service.now, keys: phoneKeys, ...options })

async function setUp({ story, hand, met, t }: Way): Promise<void> {
  await authenticator(story)
  await story.page.goto((await createSetupLink(story.service)).url)
  await met('You are the first admin')
  await hand.write('Your name', 'Grace Hopper')
  await hand.write('E-mail', 'grace@example.org')
  await hand.write('Password', 'nine purple herons at dawn')
  await hand.write('The same password again', 'nine purple herons at dawn')
  await hand.press('button', 'Make me the first admin')
  await met('Add a passkey')
  await hand.press('button', 'Add a passkey')
  await met('The passkey is added')
  t.is(await story.page.locator('ol.codes li').count(), 10)
  await hand.press('link', 'I have kept them')
  await met('Grace Hopper')
  await hand.press('button', 'Sign out')
  await met('Sign in')
  await hand.press('button', 'Sign in with a passkey')
  await met(/^No phone holds a key yet/)
}

async function approveModels({ hand, met }: Way): Promise<void> {
  await hand.press('link', 'Models')
  await met('Models')
  await hand.unfold('Approve many at once')
  await hand.press('link', /^Approve all models that encrypt their storage/)
  await met(/^Approve all models/)
  await hand.write('Why', 'All that encrypt what is on them')
  await hand.press('button', 'Approve')
  await met('Models')
}

/** @returns the link, as it stands on the page */
async function invite({ story, hand, met }: Way, name: string, email: string): Promise<string> {
  await hand.press('link', 'Invitations')
  await met('Invitations')
  await hand.press('link', 'Invite a person')
  await met('Invite a person')
  await hand.write('Name', name)
  await hand.write('E-mail address', email)
  await hand.press('button', 'Create the invitation')
  await met(`${name} is invited`)
  return (await story.page.locator('code.link').textContent())!
}

/** Its owner has the page open all the while. */
async function enrollWhileWatched(way: Way, link: string): Promise<void> {
  const { story, t } = way
  const page = await story.other(iPhone)
  await page.goto(link)
  await story.axe(page)
  const downloading = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Start' }).first().press('Enter')
  await downloading
  const follow = page.locator('#follow')
  await follow.getByText('Waiting for the phone', { exact: true }).waitFor()
  story.service.clock.advance(5)
  t.is((await phone(way, link, { stopBefore: 'second-post' })).outcome, 'stopped')
  await follow.getByText('Decided: approved').waitFor()
  story.service.clock.advance(5)
  t.is((await phone(way, link)).outcome, 'enrolled')
  await follow.getByRole('heading', { name: 'The key is ready' }).waitFor()
  t.is(page.url(), link)
  await story.axe(page)
  await page.context().close()
}

async function setAsideOldOnes({ hand, met }: Way): Promise<void> {
  await hand.press('link', 'Policy')
  await met('Policy')
  await hand.press('link', 'New rule')
  await met('A new rule')
  await hand.choose(/^Set aside/)
  await hand.write('Product type', 'iPhone10,4')
  await hand.write('Reason for the record', 'Too old to be let in unseen')
  await hand.press('button', 'See what it means')
  await met(/^This reaches nobody who is here now/)
  await hand.press('button', 'Apply')
  await met(/^In force since/)
}

async function letInFromQueue(way: Way, link: string): Promise<void> {
  const { story, hand, met, t } = way
  const tom = { product: 'iPhone10,4', build: '20H240', serial: 'F2LSTORYTOM1' }
  const refusal = await phone(way, link, tom) as Refusal
  t.is(refusal.outcome, 'quarantined')
  const page = await story.other(iPhone)
  await page.clock.install()
  await page.goto(refusal.page!)
  await page.getByRole('heading', { name: 'Somebody has to look at this first' }).waitFor()
  await hand.press('link', 'Quarantine')
  await met('One phone waits for a decision')
  await hand.press('link', 'Tom Weiss')
  await met(/^Let Tom Weiss’s/)
  await hand.write('Why', 'Seen in person')
  await hand.press('button', 'Approve')
  await met(/of Tom Weiss$/)
  await page.clock.runFor(16_000)
  await page.getByRole('heading', { name: 'Approved', exact: true }).waitFor()
  await story.axe(page)
  await page.context().close()
  story.service.clock.advance(5)
  t.is((await phone(way, link, tom)).outcome, 'enrolled')
}

/** Counting, holding and taking back are seen to move, and to have moved when the page is loaded again. */
async function changePolicy({ story, hand, met, t }: Way, fleet: number): Promise<void> {
  const { service, page } = story
  const inWords = (count: number): string => count.toLocaleString('en-GB')
  await hand.press('link', 'Policy')
  await met('Policy')
  await hand.press('link', 'New rule')
  await met('A new rule')
  await hand.write('Version below', '17.4')
  await hand.write('Reason for the record', 'Holes in older ones')
  await hand.press('button', 'See what it means')
  // Tom was let in himself, before all rules.
  const [phones, reached] = [fleet + 2, fleet + 1]
  await page.getByText(`Looking at every phone: 500 of ${inWords(phones)}`).waitFor()
  service.clock.advance(5)
  await advancePolicyChanges(service, 3)
  await met(`Looking at every phone: 2,000 of ${inWords(phones)}, about ${Math.ceil(5 / 2000 * (phones - 2000))} s left.`)
  await page.reload()
  await met(/^Looking at every phone: 2,000 of/)
  await advancePolicyChanges(service, 1000)
  await met(`This reaches ${inWords(reached)} certificates of 101 people.`)
  t.is(Number((await service.db.query('select count(*)::int as n from revocations where reason = 6'))[0]!.n), 0)

  await hand.press('button', `Apply to ${inWords(reached)} certificates`)
  await met(`In force. 200 certificates of ${inWords(reached)} done.`)
  await advancePolicyChanges(service, 4)
  await met(`In force. 1,000 certificates of ${inWords(reached)} done.`)
  await page.reload()
  await met(/^In force\. 1,000 certificates of/)
  await advancePolicyChanges(service, 1000)
  await met(/^In force since/)
  await page.getByText(`${inWords(reached)} certificates held.`).waitFor()
  t.is(Number((await service.db.query('select count(*)::int as n from revocations where reason = 6'))[0]!.n), reached)

  await hand.press('button', 'Take it back')
  await met(/^Being taken back/)
  await advancePolicyChanges(service, 1000)
  await met(/^Taken back/)
  await page.getByText(`${inWords(reached)} certificates released.`).waitFor()
}

async function revokeOne({ story, hand, met }: Way): Promise<void> {
  await hand.write('Find a person, phone, model or serial number', 'Ines')
  await hand.send()
  await met('Phones')
  await hand.press('link', 'Ines Roth')
  await met(/of Ines Roth$/)
  await hand.press('link', /^[0-9a-f]{32}$/)
  await met('Certificate of Ines Roth')
  await hand.press('link', 'Revoke')
  await met(/^Revoke/)
  await hand.choose(/^Lost or stolen/)
  await hand.write('Note for the record', 'Left on a train')
  await hand.press('button', 'Revoke')
  await story.page.getByText('Revoked. Front ends that ask know already').waitFor()
  await met('Certificate of Ines Roth')
}

/** @returns where the browser was */
async function signOut({ story, hand, met, t }: Way): Promise<string> {
  const address = story.page.url()
  await hand.press('button', 'Sign out')
  await met('Sign in')
  await story.page.goBack()
  await met('Sign in')
  t.notRegex(await story.page.content(), /Ines|Roth/)
  return address
}

async function tell(way: Way, fleet: number): Promise<string> {
  await setUp(way)
  await approveModels(way)
  await enrollWhileWatched(way, await invite(way, 'Ines Roth', 'ines@example.com'))
  await setAsideOldOnes(way)
  await letInFromQueue(way, await invite(way, 'Tom Weiss', 'tom@example.com'))
  await seedFleet(way.story.service, fleet)
  await changePolicy(way, fleet)
  await revokeOne(way)
  return await signOut(way)
}

// One after the other: together they would only wait for each other.
test.serial('from the setup link to signing out, over 10,000 certificates, axe finds nothing on any page of the way', async t => {
  t.timeout(600_000)
  const way = await openWay(t, pointer, true)
  if (way === undefined) return
  const address = await tell(way, 10_000)
  await way.story.page.goto(address)
  await way.met('Sign in')
  t.notRegex(await way.story.page.content(), /Ines|Roth/)
  const { service } = way.story
  const actions = (await service.db.query<{ action: string }>(`select distinct action from audit where source like 'console%'`)).map(row => row.action)
  for (const action of ['passkey.add', 'approval.add', 'invitation.create', 'policy.apply', 'policy.undo', 'certificate.revoke', 'session.end']) t.true(actions.includes(action), action)
})

test.serial('the same by keyboard alone', async t => {
  t.timeout(600_000)
  const way = await openWay(t, page => keyboard(t, page), false)
  if (way === undefined) return
  await tell(way, 2500)
})
