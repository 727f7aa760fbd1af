/** Signing in, setting up, and everything about oneself. */
import type { Page } from 'playwright-core'
import { createSetupLink } from '../../src/http/setup-link.ts'
import { password } from './company-data.ts'
import { ada } from './company-yard.ts'
import type { Scene } from './scene.ts'

const press = (name: string | RegExp) => async (page: Page): Promise<void> => {
  await page.getByRole('main').getByRole('button', { name }).first().click()
  await page.waitForLoadState()
}

async function signIn(page: Page, password: string): Promise<void> {
  await page.getByLabel('E-mail').fill('ada@northwind.example')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

export const accountScenes: readonly Scene[] = [
  { name: 'sign-in', route: '/console/sign-in', as: 'nobody' },
  {
    name: 'sign-in-refused', route: '/console/sign-in', as: 'nobody',
    async act(page, { service }) {
      await service.db.query('delete from sign_in_delays')
      await signIn(page, 'not the password')
      await page.getByRole('alert').waitFor()
    },
  },
  {
    name: 'sign-in-second-step', route: '/console/sign-in', as: 'nobody',
    async act(page, { service }) {
      await service.db.query('delete from sign_in_delays')
      await signIn(page, password)
      await page.getByText('One more step').waitFor()
    },
  },
  { name: 'setup-refused', route: '/setup', as: 'nobody' },
  { name: 'setup', route: '/setup', as: 'nobody', act: async (page, { service }) => { await page.goto((await createSetupLink(service, ada)).url) } },
  { name: 'setup-again', route: '/setup', as: 'nobody', act: async (page, { service, operator }) => { await page.goto((await createSetupLink(service, ada, operator)).url) } },
  { name: 'account', route: '/console/account' },
  { name: 'account-passkey', route: '/console/account/passkey' },
  { name: 'account-password', route: '/console/account/password' },
  {
    name: 'account-password-refused', route: '/console/account/password',
    async act(page) {
      await page.getByLabel('New password').fill('three words and more')
      await page.getByLabel('The same password again').fill('another')
      await press('Set this password')(page)
    },
  },
  { name: 'account-not-fresh', route: '/console/account/password', as: 'auditor' },
  { name: 'account-codes', route: '/console/account/codes' },
  { name: 'account-codes-made', route: '/console/account/codes', leadsTo: '/console/account/codes/made/:shown', act: press('Make ten new codes') },
  { name: 'account-tokens', route: '/console/account/tokens' },
  { name: 'account-tokens-seen', route: '/console/account/tokens', as: 'auditor' },
  {
    name: 'account-token-made', route: '/console/account/tokens', leadsTo: '/console/account/tokens/made/:shown',
    async act(page) {
      await page.getByLabel('What it is for').fill('nightly backup')
      await press('Make the token')(page)
    },
  },
  { name: 'account-people', route: '/console/account/people' },
  { name: 'account-people-role', route: '/console/account/people/role', query: ({ operator }) => `id=${operator}` },
  { name: 'account-people-link', route: '/console/account/people', leadsTo: '/console/account/people/link/:shown', act: press(/A new link for Ines/) },
  { name: 'told-already', route: '/console/account/people/link/:shown', at: () => ({ shown: 'x' }) },
  { name: 'account-people-end', route: '/console/account/people', act: press(/End Ines/) },
  { name: 'words', route: '/console/words' },
  { name: 'nowhere', route: '/console/{*rest}' },
]
