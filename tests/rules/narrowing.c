/* SPDX-License-Identifier: BSD-2-Clause */
/* narrowing.c: must be refused.
 * rule: gcc: conversion */
unsigned char f(int a);

unsigned char
f(int a)
{
	return a;
}
