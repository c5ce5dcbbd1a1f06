#!/usr/bin/env -S node --conditions=@carryon/source
