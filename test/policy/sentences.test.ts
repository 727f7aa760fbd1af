import test from 'ava'
import { ruleSentence } from '../../src/policy/sentences.ts'

test('a rule reads as a sentence', t => {
  t.is(ruleSentence({ verdict: 'block', conditions: { family: 'iPhone', osVersion: { below: '17.4' } } }), 'Block iPhones on iOS below 17.4')
  t.is(ruleSentence({ verdict: 'allow', conditions: { family: 'iPad', secureEnclave: true, osVersion: { from: '17.0' }, evidence: 'attested' } }),
    'Allow iPads with a Secure Enclave on iPadOS 17.0 or newer whose model is known as attested')
  t.is(ruleSentence({ verdict: 'quarantine', conditions: { productType: 'iPhone14,5', person: 'ada@example.org' } }), 'Set aside iPhone14,5 of ada@example.org')
  t.is(ruleSentence({ verdict: 'block', conditions: { productType: '*', storageEncryption: false } }), 'Block every phone without storage encryption')
  t.is(ruleSentence({ verdict: 'block', conditions: { productType: 'iPhone1?,*', family: 'iPhone', canAttest: false, group: 'board' } }),
    'Block iPhones named iPhone1?,* that cannot attest of people in the group board')
  t.is(ruleSentence({ verdict: 'quarantine', conditions: { osVersion: { from: '16.0', below: '17.0' }, build: '20A*' } }), 'Set aside every phone on iOS 16.0 or newer, but below 17.0 on build 20A*')
})
