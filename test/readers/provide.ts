import { packages, providePackage } from './packages.ts'

for (const program of Object.keys(packages)) console.log(`${program}: ${await providePackage(program)}`)
