import { netContract } from '@carryon/client/testing';
import { nodeNet } from './net.ts';

netContract('Node', () => nodeNet);
